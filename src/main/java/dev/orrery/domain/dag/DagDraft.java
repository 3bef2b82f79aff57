package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.LockName;
import dev.orrery.domain.task.Limit;
import java.util.List;
import java.util.Optional;

/**
 * What a DAG file says: everything of a DAG but what publishing adds to it.
 *
 * @param name absent where the file leaves it to the one who publishes
 * @param schedule a cron text
 * @param timezone the name of the zone in which the schedule is meant, such as {@code Europe/Berlin}
 * @param lock what each of its runs has for itself from its first claim to its end; none of its tasks may want it too
 * @param limit what the tasks of all its runs may do together
 */
public record DagDraft(
        Optional<String> name,
        Optional<String> description,
        List<TaskDefinition> tasks,
        Optional<String> schedule,
        String timezone,
        Optional<LockName> lock,
        Limit limit) {

    public static final String DEFAULT_TIMEZONE = "UTC";
    public static final int MAX_TASKS = 10_000;
    public static final int MAX_DEPENDENCIES = 1_000;
    public static final int MAX_EDGES = 50_000;
    public static final int MAX_SCHEDULE_LENGTH = 100;

    /** Throws IllegalArgumentException where the tasks are no graph: ids that repeat, unknown dependencies, a cycle; a task with the lock of the DAG. */
    public DagDraft {
        requireNonNull(name, "name");
        requireNonNull(description, "description");
        tasks = List.copyOf(tasks);
        requireNonNull(schedule, "schedule");
        requireNonNull(timezone, "timezone");
        requireNonNull(lock, "lock");
        requireNonNull(limit, "limit");
        require(!tasks.isEmpty(), "a DAG needs at least one task");
        require(
                lock.isEmpty() || tasks.stream().noneMatch(task -> task.lock().equals(lock)),
                "a task wants the lock that its own run holds: " + lock);
        TaskGraph.of(tasks).order();
    }

    /** A DAG without a limit. */
    public DagDraft(
            Optional<String> name,
            Optional<String> description,
            List<TaskDefinition> tasks,
            Optional<String> schedule,
            String timezone,
            Optional<LockName> lock) {
        this(name, description, tasks, schedule, timezone, lock, Limit.NONE);
    }

    /** A DAG without a lock and a limit. */
    public DagDraft(
            Optional<String> name,
            Optional<String> description,
            List<TaskDefinition> tasks,
            Optional<String> schedule,
            String timezone) {
        this(name, description, tasks, schedule, timezone, Optional.empty());
    }

    public DagDraft named(String newName) {
        return new DagDraft(Optional.of(newName), description, tasks, schedule, timezone, lock, limit);
    }

    /** The same, its only task doing this. */
    public DagDraft doing(TaskType type) {
        require(tasks.size() == 1, "there are several tasks");
        return new DagDraft(name, description, List.of(tasks.getFirst().doing(type)), schedule, timezone, lock, limit);
    }
}
