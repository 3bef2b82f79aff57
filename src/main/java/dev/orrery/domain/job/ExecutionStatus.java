package dev.orrery.domain.job;

import dev.orrery.domain.WireNamed;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;

/** How an execution stands: the state of its task, or of its run, in the words of jobs. */
public enum ExecutionStatus implements WireNamed {
    PENDING,
    RUNNING,
    SUCCESS,
    FAILED,
    TIMEOUT,
    CANCELLED,
    SKIPPED;

    /** What the state of its task means for an execution. */
    public static ExecutionStatus of(TaskState state) {
        return switch (state) {
            case PENDING, BLOCKED, READY, QUEUED, RETRYING -> PENDING;
            case RUNNING -> RUNNING;
            case SUCCEEDED -> SUCCESS;
            case FAILED -> FAILED;
            case TIMED_OUT -> TIMEOUT;
            case CANCELLED -> CANCELLED;
            case SKIPPED -> SKIPPED;
        };
    }

    /** What the state of its run means for an execution. */
    public static ExecutionStatus of(RunState state) {
        return switch (state) {
            case PENDING -> PENDING;
            case RUNNING, CANCELLING -> RUNNING;
            case SUCCEEDED -> SUCCESS;
            case FAILED -> FAILED;
            case CANCELLED -> CANCELLED;
        };
    }

    /** The status with this wire name; throws IllegalArgumentException where there is none. */
    public static ExecutionStatus ofWireName(String name) {
        return WireNamed.of(ExecutionStatus.class, name);
    }
}
