package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;

/**
 * What a DAG file says: everything of a DAG but what publishing adds to it.
 *
 * @param name absent where the file leaves it to the one who publishes
 * @param schedule a cron text
 * @param timezone the name of the zone in which the schedule is meant, such as {@code Europe/Berlin}
 */
public record DagDraft(
        Optional<String> name,
        Optional<String> description,
        List<TaskDefinition> tasks,
        Optional<String> schedule,
        String timezone) {

    public static final String DEFAULT_TIMEZONE = "UTC";
    public static final int MAX_TASKS = 10_000;
    public static final int MAX_DEPENDENCIES = 1_000;
    public static final int MAX_EDGES = 50_000;
    public static final int MAX_SCHEDULE_LENGTH = 100;

    /** Throws IllegalArgumentException where the tasks are no graph: ids that repeat, unknown dependencies, a cycle. */
    public DagDraft {
        requireNonNull(name, "name");
        requireNonNull(description, "description");
        tasks = List.copyOf(tasks);
        requireNonNull(schedule, "schedule");
        requireNonNull(timezone, "timezone");
        require(!tasks.isEmpty(), "a DAG needs at least one task");
        TaskGraph.of(tasks).order();
    }

    public DagDraft named(String newName) {
        return new DagDraft(Optional.of(newName), description, tasks, schedule, timezone);
    }
}
