package dev.orrery.domain.task;

import java.util.Locale;

/**
 * Where a task instance stands. {@code PENDING} is submitted but not yet looked at; {@code BLOCKED} waits for its
 * dependencies; {@code READY} may be claimed; {@code QUEUED} is claimed and waits in a worker's queue; {@code RETRYING}
 * waits for its next attempt. The last five are terminal. {@link TaskTransitions} says how one leads to another.
 */
public enum TaskState {
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

    /** The name in the API and in the database, such as {@code timed_out}. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The state with this wire name; throws IllegalArgumentException where there is none. */
    public static TaskState ofWireName(String name) {
        for (var state : values()) {
            if (state.wireName().equals(name)) {
                return state;
            }
        }
        throw new IllegalArgumentException("no task state is called '" + name + "'");
    }
}
