package dev.orrery.domain.job;

import dev.orrery.domain.WireNamed;

/**
 * Where a job stands. {@code PENDING} is an active one whose start has not come; {@code COMPLETED} has no fire left;
 * {@code FAILED} cannot fire, or fired once and that execution failed for good.
 */
public enum JobStatus implements WireNamed {
    PENDING,
    ACTIVE,
    PAUSED,
    COMPLETED,
    FAILED,
    CANCELLED;

    /** Whether nothing can make it fire by itself again. */
    public boolean isTerminal() {
        return compareTo(COMPLETED) >= 0;
    }

    /** The status with this wire name; throws IllegalArgumentException where there is none. */
    public static JobStatus ofWireName(String name) {
        return WireNamed.of(JobStatus.class, name);
    }
}
