package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TraceContext;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One attempt that a node has taken.
 *
 * @param attempt its number, from 1 on
 * @param failures how many earlier attempts were charged to the retry policy
 * @param lockFence the number of the lock that comes with it: the task's own, else its DAG's
 * @param trace what its run was given
 */
public record Claim(
        TaskInstanceId id,
        int versionId,
        int attempt,
        int failures,
        long fence,
        OptionalLong lockFence,
        Optional<TraceContext> trace) {

    /** Of a run that was given no trace. */
    public Claim(TaskInstanceId id, int versionId, int attempt, int failures, long fence, OptionalLong lockFence) {
        this(id, versionId, attempt, failures, fence, lockFence, Optional.empty());
    }
}
