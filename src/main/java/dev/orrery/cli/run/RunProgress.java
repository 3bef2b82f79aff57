package dev.orrery.cli.run;

import dev.orrery.cli.client.JsonObject;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import java.time.Instant;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** The picture of a run that its events draw: where every task stands, and how many stand where. */
public final class RunProgress {

    /** A task as the last event told it. */
    public record Task(String id, TaskState state, int attempt, Instant at) {}

    /** That a task came into a state, and from which; absent when it was heard of for the first time. */
    public record Change(Task task, Optional<Task> before) {}

    private final String dagName;
    private final Instant createdAt;
    private final int expected;
    private final Map<String, Task> tasks = new LinkedHashMap<>();
    private final Map<String, Task> running = new LinkedHashMap<>();
    private final Map<String, Integer> percents = new HashMap<>();
    private final Map<TaskState, Integer> counts = new EnumMap<>(TaskState.class);
    private RunState state = RunState.PENDING;
    private Optional<Instant> endedAt = Optional.empty();

    /** {@code expected}: how many tasks the run has, all of which the events will tell of. */
    public RunProgress(String dagName, Instant createdAt, int expected) {
        this.dagName = dagName;
        this.createdAt = createdAt;
        this.expected = expected;
    }

    /** Takes in a {@code task} event; absent where it says nothing that we understand, as a newer node may. */
    Optional<Change> task(JsonObject event) {
        var id = event.textOrEmpty("taskId");
        var newState = taskState(event.textOrEmpty("state"));
        if (id.isEmpty() || newState.isEmpty()) {
            return Optional.empty();
        }
        var task = new Task(
                id, newState.get(), event.integer("attempt"), event.time("at").orElse(createdAt));
        var before = Optional.ofNullable(tasks.put(id, task));
        before.ifPresent(old -> counts.merge(old.state(), -1, Integer::sum));
        counts.merge(task.state(), 1, Integer::sum);
        percents.remove(id);
        if (task.state() == TaskState.RUNNING) {
            running.put(id, task);
        } else {
            running.remove(id);
        }
        return Optional.of(new Change(task, before));
    }

    /** Takes in a {@code progress} event. */
    void percent(JsonObject event) {
        var task = running.get(event.textOrEmpty("taskId"));
        if (task != null && task.attempt() == event.integer("attempt")) {
            percents.put(task.id(), event.integer("percent"));
        }
    }

    private static Optional<TaskState> taskState(String name) {
        try {
            return Optional.of(TaskState.ofWireName(name));
        } catch (IllegalArgumentException unknown) {
            return Optional.empty();
        }
    }

    /** Takes in a {@code run} event. */
    void run(JsonObject event) {
        try {
            state = RunState.ofWireName(event.textOrEmpty("state"));
        } catch (IllegalArgumentException unknown) {
            // A state of a newer node: the one we know stays until one comes that we understand.
            return;
        }
        if (state.isTerminal()) {
            endedAt = event.time("at");
        }
    }

    /** Takes in a {@code reset}: the state of everything follows. */
    void reset() {
        tasks.clear();
        running.clear();
        percents.clear();
        counts.clear();
    }

    /** How far a running task has come, if it told. */
    public OptionalInt percent(String task) {
        var percent = percents.get(task);
        return percent == null ? OptionalInt.empty() : OptionalInt.of(percent);
    }

    public String dagName() {
        return dagName;
    }

    public Instant createdAt() {
        return createdAt;
    }

    public RunState state() {
        return state;
    }

    /** When it ended; absent while it has not, or where the event did not tell. */
    public Optional<Instant> endedAt() {
        return endedAt;
    }

    public int total() {
        return Math.max(expected, tasks.size());
    }

    public int count(TaskState taskState) {
        return counts.getOrDefault(taskState, 0);
    }

    /** How many tasks have come to their end. */
    public int done() {
        return counts.entrySet().stream()
                .filter(entry -> entry.getKey().isTerminal())
                .mapToInt(Map.Entry::getValue)
                .sum();
    }

    /** The tasks that run now, the longest running first. */
    public Collection<Task> running() {
        return running.values();
    }
}
