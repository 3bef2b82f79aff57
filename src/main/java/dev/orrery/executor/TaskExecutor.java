package dev.orrery.executor;

/** Does the work of one kind of task. */
public interface TaskExecutor {

    /**
     * Begins an attempt and returns at once. Call it on an event loop: the outcome completes there. It never throws;
     * whatever is wrong with the task is told by the outcome.
     */
    Execution start(TaskContext context, AttemptLog log);
}
