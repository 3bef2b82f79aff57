package dev.orrery.domain.task;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WorkerId;
import java.time.Instant;
import java.util.Optional;

/**
 * One task of one run, with its state and its latest attempt.
 *
 * @param attempt the number of the latest attempt, 0 before the first
 * @param fence the number of the latest claim, 0 before the first
 */
public record TaskInstance(
        TaskInstanceId id,
        TaskId taskId,
        RunId runId,
        DagId dagId,
        String taskName,
        TaskState state,
        int attempt,
        long fence,
        Optional<WorkerId> workerId,
        Optional<Instant> startedAt,
        Optional<Instant> completedAt,
        Instant createdAt,
        Optional<String> error,
        Optional<Json> output) {

    public TaskInstance {
        requireNonNull(id, "id");
        requireNonNull(taskId, "taskId");
        requireNonNull(state, "state");
        requireNonNull(createdAt, "createdAt");
    }
}
