package dev.orrery.domain.task;

import dev.orrery.domain.TaskInstanceId;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A single task as it is shown.
 *
 * @param type the wire name of what it does
 * @param queue absent for what remote workers do
 * @param priority as it was submitted
 * @param calculatedPriority with its depth, what it blocks and its source counted in
 * @param depth 0 where it waits for nothing, else 1 more than the deepest that it waits for
 * @param dependencies what it waits for or waited for
 * @param retryCount how often it was tried again
 * @param startedAt when the current or last attempt began
 * @param completedAt when it reached its final state
 */
public record SingleTask(
        TaskInstanceId id,
        String name,
        String type,
        Optional<String> queue,
        int priority,
        double calculatedPriority,
        Optional<Instant> deadline,
        Optional<Duration> estimate,
        int depth,
        TaskSource source,
        Optional<String> createdBy,
        Optional<TaskInstanceId> parent,
        Optional<String> sessionId,
        List<TaskInstanceId> dependencies,
        DependencyType dependencyType,
        int maxRetries,
        Duration timeout,
        List<String> tags,
        Optional<String> uniqueKey,
        Optional<Instant> notBefore,
        Optional<String> concurrencyKey,
        SubmittedState state,
        Optional<String> error,
        int retryCount,
        Instant submittedAt,
        Optional<Instant> startedAt,
        Optional<Instant> completedAt,
        Instant updatedAt) {

    public SingleTask {
        dependencies = List.copyOf(dependencies);
        tags = List.copyOf(tags);
    }
}
