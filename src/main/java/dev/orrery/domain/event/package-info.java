/**
 * Events and what makes a handler of them: which it listens to, which of them it wants, and how often it may fire. An event
 * handler is a job ({@link dev.orrery.domain.job.ScheduledJob}) that has a {@link dev.orrery.domain.event.EventRule} in
 * place of times.
 */
@NullMarked
package dev.orrery.domain.event;

import org.jspecify.annotations.NullMarked;
