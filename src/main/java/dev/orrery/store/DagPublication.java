package dev.orrery.store;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.Json;
import dev.orrery.domain.LockName;
import dev.orrery.domain.dag.DagDraft;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskGraph;
import dev.orrery.domain.dag.TaskType;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * A DAG made ready to be stored: its JSON, and its tasks and edges as columns. Making one takes a while for the largest
 * DAGs, so it is made off the event loop.
 */
public final class DagPublication {

    private final DagDraft draft;
    private final String yaml;
    private final Json definition;
    private final List<Object> columns;

    private DagPublication(DagDraft draft, String yaml, Json definition, List<Object> columns) {
        this.draft = draft;
        this.yaml = yaml;
        this.definition = definition;
        this.columns = columns;
    }

    /** {@code draft}: has a name; {@code yaml}: the text it was read from. */
    public static DagPublication of(DagDraft draft, String yaml) {
        require(draft.name().isPresent(), "a DAG is published under a name");
        return new DagPublication(draft, Texts.clean(yaml), Texts.clean(DagJson.write(draft)), columns(draft.tasks()));
    }

    String name() {
        return Texts.clean(draft.name().orElseThrow());
    }

    String yaml() {
        return yaml;
    }

    DagDraft draft() {
        return draft;
    }

    Json definition() {
        return definition;
    }

    /** Adds the columns of tasks and edges and the DAG's lock and limit, in the order of {@link DagRepository#PUBLISH_VERSION}. */
    Tuple addColumns(Tuple parameters) {
        columns.forEach(parameters::addValue);
        parameters.addValue(draft.lock().map(LockName::value).orElse(null));
        QueueRepository.addLimit(parameters, draft.limit());
        return parameters.addValue(column(
                draft.tasks(),
                Long[]::new,
                task -> task.retry().totalTimeout().map(Duration::toMillis).orElse(null)));
    }

    /** What the DAG and its tasks lock, in no order; empty for most. */
    String[] locks() {
        return Stream.concat(draft.lock().stream(), draft.tasks().stream().flatMap(task -> task.lock().stream()))
                .distinct()
                .map(LockName::value)
                .toArray(String[]::new);
    }

    private static List<Object> columns(List<TaskDefinition> tasks) {
        var graph = TaskGraph.of(tasks);
        var urgencies = graph.urgencies();
        var upstreams = new ArrayList<Integer>();
        var downstreams = new ArrayList<Integer>();
        for (var n = 0; n < tasks.size(); n++) {
            for (var upstream : graph.upstreams(n)) {
                upstreams.add(upstream + 1);
                downstreams.add(n + 1);
            }
        }
        return List.of(
                column(tasks, String[]::new, task -> task.id().value()),
                column(tasks, String[]::new, task -> Texts.clean(task.name())),
                column(tasks, String[]::new, task -> task.type().wireName()),
                column(tasks, String[]::new, DagPublication::queue),
                column(urgencies, Float[]::new, urgency -> (float) urgency.priority()),
                column(tasks, Integer[]::new, task -> task.dependencies().size()),
                upstreams.toArray(Integer[]::new),
                downstreams.toArray(Integer[]::new),
                column(tasks, Long[]::new, task -> task.timeout().toMillis()),
                column(
                        tasks,
                        String[]::new,
                        task -> task.lock().map(LockName::value).orElse(null)));
    }

    /** For what remote workers do, the handler: which line that is depends on the DAG's tenant. */
    private static String queue(TaskDefinition task) {
        return task.type() instanceof TaskType.RemoteWork remote ? remote.handler() : task.queue();
    }

    private static <T, C> Object column(List<T> rows, IntFunction<C[]> array, Function<T, C> value) {
        return rows.stream().map(value).toArray(array);
    }
}
