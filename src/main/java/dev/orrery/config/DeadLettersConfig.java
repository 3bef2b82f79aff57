package dev.orrery.config;

import static java.util.Objects.requireNonNull;

/**
 * What may be done with dead letters.
 *
 * @param maxRedrives how often one task may be sent back
 * @param webhook who is told of new ones
 */
public record DeadLettersConfig(int maxRedrives, LetterWebhookConfig webhook) {

    public static final DeadLettersConfig DEFAULT = new DeadLettersConfig(10, LetterWebhookConfig.DEFAULT);

    public DeadLettersConfig {
        LetterSettings.MAX_REDRIVES.check(maxRedrives);
        requireNonNull(webhook, "webhook");
    }
}
