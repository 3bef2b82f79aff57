package dev.orrery.domain.task;

import dev.orrery.domain.WireNamed;

/**
 * Where a task instance stands. {@code PENDING} is submitted but not yet looked at; {@code BLOCKED} waits for its
 * dependencies; {@code READY} may be claimed; {@code QUEUED} is claimed and waits in a worker's queue; {@code RETRYING}
 * waits for its next attempt. The last five are terminal. {@link TaskTransitions} says how one leads to another.
 */
public enum TaskState implements WireNamed {
    PENDING,
    BLOCKED,
    READY,
    QUEUED,
    RUNNING,
    RETRYING,
    SUCCEEDED,
    FAILED,
    TIMED_OUT,
    SKIPPED,
    CANCELLED;

    public boolean isTerminal() {
        return compareTo(SUCCEEDED) >= 0;
    }

    /** The state with this wire name; throws IllegalArgumentException where there is none. */
    public static TaskState ofWireName(String name) {
        return WireNamed.of(TaskState.class, name);
    }
}
