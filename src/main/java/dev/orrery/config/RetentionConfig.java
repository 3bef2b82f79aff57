package dev.orrery.config;

import java.time.Duration;

/**
 * How long what has ended is kept.
 *
 * @param runs how long after its end a run is deleted, with its tasks, logs, outputs and folder; zero: never
 * @param events how long after it was received an event is forgotten, with what is told of its deliveries; zero: never
 * @param tasks how long after its end a single task is deleted, with its input, logs and output; zero: never
 * @param audit how long what was changed through the API stays in the audit log; zero: for ever
 */
public record RetentionConfig(Duration runs, Duration events, Duration tasks, Duration audit) {

    public static final RetentionConfig DEFAULT =
            new RetentionConfig(Duration.ofDays(30), Duration.ofDays(30), Duration.ofDays(30), Duration.ofDays(365));

    public RetentionConfig {
        Settings.RETENTION_RUNS.check(runs);
        Settings.RETENTION_EVENTS.check(events);
        Settings.RETENTION_TASKS.check(tasks);
        Settings.RETENTION_AUDIT.check(audit);
    }

    /** Whether runs are ever deleted for their age. */
    public boolean deletesRuns() {
        return !runs.isZero();
    }
}
