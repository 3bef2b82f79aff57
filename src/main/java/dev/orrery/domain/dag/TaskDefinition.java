package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.LockName;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.RetryPolicy;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A node of a DAG: what to do, after which tasks, how urgently and for how long.
 *
 * @param timeout the limit of one attempt
 * @param dependencies the tasks that must have succeeded before
 * @param priority 0 (patient) to 10
 * @param queue the line in which it waits once it is ready
 * @param lock what each of its attempts has for itself, in the whole cluster
 */
public record TaskDefinition(
        TaskId id,
        String name,
        TaskType type,
        Duration timeout,
        RetryPolicy retry,
        Set<TaskId> dependencies,
        int priority,
        String queue,
        Optional<LockName> lock) {

    public static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(30);
    public static final Duration MIN_TIMEOUT = Duration.ofMillis(10);
    public static final Duration MAX_TIMEOUT = Duration.ofDays(30);
    public static final int DEFAULT_PRIORITY = 5;
    public static final int MAX_PRIORITY = 10;
    public static final String DEFAULT_QUEUE = "default";
    public static final Pattern QUEUE_FORM = Pattern.compile("[A-Za-z0-9_.-]{1,64}");
    public static final int MAX_NAME_LENGTH = 255;

    public TaskDefinition {
        requireNonNull(id, "id");
        require(isName(name), "name must have 1..255 characters, was '" + name + "'");
        requireNonNull(type, "type");
        require(
                timeout.compareTo(MIN_TIMEOUT) >= 0 && timeout.compareTo(MAX_TIMEOUT) <= 0,
                "timeout must be 10 ms..30 d, was " + timeout);
        requireNonNull(retry, "retry");
        dependencies = Collections.unmodifiableSet(new LinkedHashSet<>(dependencies));
        require(!dependencies.contains(id), "task " + id + " depends on itself");
        require(priority >= 0 && priority <= MAX_PRIORITY, "priority must be 0..10, was " + priority);
        require(QUEUE_FORM.matcher(queue).matches(), "not a queue name: '" + queue + "'");
        requireNonNull(lock, "lock");
    }

    /** A task without a lock. */
    public TaskDefinition(
            TaskId id,
            String name,
            TaskType type,
            Duration timeout,
            RetryPolicy retry,
            Set<TaskId> dependencies,
            int priority,
            String queue) {
        this(id, name, type, timeout, retry, dependencies, priority, queue, Optional.empty());
    }

    /** The same task with this lock. */
    public TaskDefinition locking(LockName name) {
        return new TaskDefinition(
                id, this.name, type, timeout, retry, dependencies, priority, queue, Optional.of(name));
    }

    /** The same task, doing this. */
    public TaskDefinition doing(TaskType other) {
        return new TaskDefinition(id, name, other, timeout, retry, dependencies, priority, queue, lock);
    }

    /** Whether a DAG or a task may be called so: not blank, not too long, and safe to print on a terminal. */
    public static boolean isName(String name) {
        return !name.isBlank()
                && name.codePointCount(0, name.length()) <= MAX_NAME_LENGTH
                && name.codePoints().noneMatch(Character::isISOControl);
    }

    /** The same, given this input where its DAG file says one. */
    public TaskDefinition given(Json input) {
        return type instanceof TaskType.Handler called
                ? new TaskDefinition(
                        id,
                        name,
                        new TaskType.Handler(called.handler(), input),
                        timeout,
                        retry,
                        dependencies,
                        priority,
                        queue,
                        lock)
                : this;
    }
}
