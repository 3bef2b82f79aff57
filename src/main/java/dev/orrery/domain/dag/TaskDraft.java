package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.UniqueKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A single task as someone submits it.
 *
 * @param ref what others of its batch name it by
 * @param type what it does; a handler's input is {@code input}
 * @param input any JSON, as it was written
 * @param queue absent for {@code default}, and always for what remote workers do
 * @param estimate how long it takes, as its submitter thinks
 * @param createdBy who asked for it
 * @param parent the task for which it is done
 * @param notBefore when it may begin
 * @param concurrencyKey what limits of concurrency count it by
 * @param waitsForChildren whether it ends only when its children have, and badly where one of them did
 */
public record TaskDraft(
        Optional<String> ref,
        String name,
        TaskType type,
        Optional<Json> input,
        Optional<String> queue,
        int priority,
        Duration timeout,
        RetryPolicy retry,
        Optional<Instant> deadline,
        Optional<Duration> estimate,
        TaskSource source,
        Optional<String> createdBy,
        Optional<Reference> parent,
        Optional<String> sessionId,
        List<Reference> dependencies,
        DependencyType dependencyType,
        List<String> tags,
        Optional<Instant> notBefore,
        Optional<UniqueKey> uniqueKey,
        Optional<String> concurrencyKey,
        boolean waitsForChildren) {

    /** The first try, and three retries. */
    public static final RetryPolicy DEFAULT_RETRY = new RetryPolicy(
            4,
            RetryPolicy.DEFAULT.initialDelay(),
            RetryPolicy.DEFAULT.maxDelay(),
            RetryPolicy.DEFAULT.backoffMultiplier(),
            RetryPolicy.DEFAULT.jitter());

    public static final int MAX_INPUT_BYTES = 1 << 20;
    public static final int MAX_BATCH = 10_000;
    public static final int MAX_TAGS = 50;
    public static final int MAX_TAG_LENGTH = 64;
    public static final Duration MAX_ESTIMATE = Duration.ofDays(366);

    /** Names another single task. */
    public sealed interface Reference {

        /** One that is there already. */
        record Existing(TaskInstanceId id) implements Reference {}

        /** The n-th (from 1 on) of those that are submitted together. */
        record Together(int number) implements Reference {}
    }

    public TaskDraft {
        require(TaskDefinition.isName(name), "name must have 1..255 characters, was '" + name + "'");
        requireNonNull(type, "type");
        requireNonNull(retry, "retry");
        dependencies = List.copyOf(dependencies);
        tags = List.copyOf(tags);
    }

    /** The same task as a running one submits it: its child unless its parent is named, and nobody's work by hand. */
    public TaskDraft below(TaskInstanceId asking) {
        return with(
                source == TaskSource.HUMAN ? TaskSource.TASK : source,
                parent.or(() -> Optional.of(new Reference.Existing(asking))),
                dependencies);
    }

    /** The same task, naming these. */
    public TaskDraft naming(Optional<Reference> newParent, List<Reference> newDependencies) {
        return with(source, newParent, newDependencies);
    }

    private TaskDraft with(TaskSource newSource, Optional<Reference> newParent, List<Reference> newDependencies) {
        return new TaskDraft(
                ref,
                name,
                type,
                input,
                queue,
                priority,
                timeout,
                retry,
                deadline,
                estimate,
                newSource,
                createdBy,
                newParent,
                sessionId,
                newDependencies,
                dependencyType,
                tags,
                notBefore,
                uniqueKey,
                concurrencyKey,
                waitsForChildren);
    }
}
