package dev.orrery.config;

import java.time.Duration;

/**
 * How long what has ended is kept.
 *
 * @param runs how long after its end a run is deleted, with its tasks, logs, outputs and folder; zero: never
 */
public record RetentionConfig(Duration runs) {

    public static final RetentionConfig DEFAULT = new RetentionConfig(Duration.ofDays(30));

    public RetentionConfig {
        Settings.RETENTION_RUNS.check(runs);
    }

    /** Whether runs are ever deleted for their age. */
    public boolean deletesRuns() {
        return !runs.isZero();
    }
}
