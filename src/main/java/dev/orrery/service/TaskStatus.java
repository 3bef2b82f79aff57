package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.task.TaskState;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where a task of a run stands.
 *
 * @param attempt the number of the current or last attempt; 0 before the first
 * @param error why the last attempt did not succeed
 * @param progress how far the current or last attempt has come, in percent, if it said so
 * @param startedAt when the current or last attempt began
 * @param completedAt when it reached its final state
 */
public record TaskStatus(
        TaskInstanceId id,
        TaskId taskId,
        String name,
        TaskState state,
        int attempt,
        Optional<WorkerId> workerId,
        Optional<String> error,
        OptionalInt progress,
        Optional<Instant> startedAt,
        Optional<Instant> completedAt) {

    public TaskStatus {
        requireNonNull(id, "id");
        requireNonNull(taskId, "taskId");
        requireNonNull(name, "name");
        requireNonNull(state, "state");
        requireNonNull(workerId, "workerId");
        requireNonNull(error, "error");
        requireNonNull(progress, "progress");
        requireNonNull(startedAt, "startedAt");
        requireNonNull(completedAt, "completedAt");
    }
}
