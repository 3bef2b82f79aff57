package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.LockName;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.Limit;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/**
 * One published version of a DAG; it never changes.
 *
 * @param name unique in its tenant
 * @param version 1, 2, …: a new one at every change
 * @param lock what each of its runs has for itself
 * @param limit what the tasks of all its runs may do together
 * @param createdAt when this version was published
 */
public record DagDefinition(
        DagId id,
        String name,
        Optional<String> description,
        List<TaskDefinition> tasks,
        Optional<String> schedule,
        String timezone,
        Optional<LockName> lock,
        Limit limit,
        int version,
        Instant createdAt) {

    public DagDefinition {
        requireNonNull(id, "id");
        require(TaskDefinition.isName(name), "name must have 1..255 characters, was '" + name + "'");
        requireNonNull(description, "description");
        tasks = List.copyOf(tasks);
        require(!tasks.isEmpty(), "a DAG needs at least one task");
        var ids = HashSet.<TaskId>newHashSet(tasks.size());
        for (var task : tasks) {
            require(ids.add(task.id()), "task id " + task.id() + " stands twice");
        }
        requireNonNull(schedule, "schedule");
        requireNonNull(timezone, "timezone");
        requireNonNull(lock, "lock");
        requireNonNull(limit, "limit");
        require(version >= 1, "versions start at 1, was " + version);
        requireNonNull(createdAt, "createdAt");
    }

    /** One without a limit. */
    public DagDefinition(
            DagId id,
            String name,
            Optional<String> description,
            List<TaskDefinition> tasks,
            Optional<String> schedule,
            String timezone,
            Optional<LockName> lock,
            int version,
            Instant createdAt) {
        this(id, name, description, tasks, schedule, timezone, lock, Limit.NONE, version, createdAt);
    }

    /** The task with this number, from 1 on. */
    public TaskDefinition task(int number) {
        return tasks.get(number - 1);
    }
}
