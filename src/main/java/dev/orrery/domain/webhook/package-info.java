/**
 * Webhooks: how others' requests become events. {@link dev.orrery.domain.webhook.WebhookScheme} says which requests are
 * genuine: those that are signed with a secret that both sides know.
 */
@NullMarked
package dev.orrery.domain.webhook;

import org.jspecify.annotations.NullMarked;
