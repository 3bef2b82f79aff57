package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A task of a run with everything that is known of it.
 *
 * @param type the executor: {@code shell}, {@code http}, {@code python} or {@code handler}
 * @param priority 0 to 10, as the DAG file says
 * @param output what it handed on; absent until it has succeeded
 * @param nextAttemptAt when it is tried again; present while it is retrying
 * @param attempts all attempts, the first one first
 */
public record TaskDetail(
        TaskStatus status,
        String type,
        String queue,
        int priority,
        List<TaskId> dependencies,
        Optional<Json> output,
        Optional<Instant> nextAttemptAt,
        List<AttemptStatus> attempts) {

    public TaskDetail {
        requireNonNull(status, "status");
        requireNonNull(type, "type");
        requireNonNull(queue, "queue");
        dependencies = List.copyOf(dependencies);
        requireNonNull(output, "output");
        requireNonNull(nextAttemptAt, "nextAttemptAt");
        attempts = List.copyOf(attempts);
    }
}
