package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.UniqueKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A single task that is to be made.
 *
 * @param definition what it does, in the stored form of {@link DagJson}
 * @param input what it is given, as it was written; an empty object where there is none
 * @param queue the line in which it waits, also where a remote worker is to do it
 * @param waitsForChildren whether it ends only when its children have, and badly where one of them did
 * @param dependencies what it waits for; tasks of the same submission are named by the ids that they will have
 */
public record NewTask(
        String name,
        Json definition,
        Optional<Json> input,
        String queue,
        int priority,
        Optional<Instant> deadline,
        Optional<Duration> estimate,
        TaskSource source,
        Optional<String> createdBy,
        Optional<TaskInstanceId> parent,
        Optional<String> sessionId,
        List<Prerequisite> dependencies,
        DependencyType dependencyType,
        List<String> tags,
        Optional<Instant> notBefore,
        Optional<UniqueKey> uniqueKey,
        Optional<String> concurrencyKey,
        Duration timeout,
        boolean waitsForChildren) {

    /** A task that another one waits for. */
    public record Prerequisite(TaskInstanceId id) {}

    /** One that does not wait for its children. */
    public NewTask(
            String name,
            Json definition,
            Optional<Json> input,
            String queue,
            int priority,
            Optional<Instant> deadline,
            Optional<Duration> estimate,
            TaskSource source,
            Optional<String> createdBy,
            Optional<TaskInstanceId> parent,
            Optional<String> sessionId,
            List<Prerequisite> dependencies,
            DependencyType dependencyType,
            List<String> tags,
            Optional<Instant> notBefore,
            Optional<UniqueKey> uniqueKey,
            Optional<String> concurrencyKey,
            Duration timeout) {
        this(
                name,
                definition,
                input,
                queue,
                priority,
                deadline,
                estimate,
                source,
                createdBy,
                parent,
                sessionId,
                dependencies,
                dependencyType,
                tags,
                notBefore,
                uniqueKey,
                concurrencyKey,
                timeout,
                false);
    }

    public NewTask {
        requireNonNull(name, "name");
        requireNonNull(definition, "definition");
        dependencies = List.copyOf(dependencies);
        tags = List.copyOf(tags);
    }
}
