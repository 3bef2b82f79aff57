package dev.orrery.domain.task;

import dev.orrery.domain.WireNamed;
import java.util.List;
import java.util.stream.Stream;

/** Where a single task stands, as those who submitted it see it: fewer states than the engine has. */
public enum SubmittedState implements WireNamed {
    PENDING,
    BLOCKED,
    READY,
    RUNNING,
    COMPLETED,
    FAILED,
    CANCELLED;

    public boolean isTerminal() {
        return compareTo(COMPLETED) >= 0;
    }

    /** What its submitters see of a task in this state. */
    public static SubmittedState of(TaskState state) {
        return switch (state) {
            case PENDING -> PENDING;
            case BLOCKED -> BLOCKED;
            case READY, QUEUED, RETRYING -> READY;
            case RUNNING -> RUNNING;
            case SUCCEEDED -> COMPLETED;
            case FAILED, TIMED_OUT -> FAILED;
            case SKIPPED, CANCELLED -> CANCELLED;
        };
    }

    /** The states of the engine that are seen as this one. */
    public List<TaskState> states() {
        return Stream.of(TaskState.values()).filter(state -> of(state) == this).toList();
    }

    /** The state with this wire name; throws IllegalArgumentException where there is none. */
    public static SubmittedState ofWireName(String name) {
        return WireNamed.of(SubmittedState.class, name);
    }
}
