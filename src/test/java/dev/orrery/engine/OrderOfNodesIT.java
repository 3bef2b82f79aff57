package dev.orrery.engine;

import static dev.orrery.testing.Await.until;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.engine.TestEngine.Shape;
import dev.orrery.executor.TaskExecutor;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Several routers on one queue keep its order, but for what each of them holds. */
class OrderOfNodesIT {

    private static final int NODES = 3;
    private static final int WORKERS = 2;
    private static final int SLOTS = 2;
    private static final int CAPACITY = 10;
    private static final int TASKS = 900;
    private static final int PRIORITIES = 11;

    /** What a node may hold: its slots, and what stands before them. */
    private static final int HELD = WORKERS * (SLOTS + CAPACITY);

    private static final Shape SHAPE = Shape.of(WORKERS, SLOTS)
            .withQueueCapacity(CAPACITY)
            .withPoll(Duration.ofMillis(20))
            .claimingFarAhead();

    private final Random random = new Random(11);

    /** While a task stands in the line of one node, each of the others begins what it holds, and as much again. */
    @Test
    void aTaskBeginsNoFurtherFromItsPlaceThanTwiceWhatThreeNodesHold() throws SQLException {
        var counts = new int[PRIORITIES];
        var tasks = IntStream.range(0, TASKS)
                .mapToObj(n -> {
                    var priority = random.nextInt(PRIORITIES);
                    counts[priority]++;
                    return Graphs.task("p" + priority + "-" + n, Set.of(), priority);
                })
                .toList();

        var begun = beginOn(NODES, tasks);

        assertThat(begun).hasSize(TASKS);
        var largest = 0;
        for (var at = 0; at < begun.size(); at++) {
            largest = Math.max(largest, distance(at, begun.get(at), counts));
        }
        assertThat(largest).as("the largest inversion").isPositive().isLessThanOrEqualTo(2 * NODES * HELD);
    }

    /** How far this place is from where tasks of this priority stand in the order. */
    private static int distance(int at, int priority, int[] counts) {
        var first =
                IntStream.range(priority + 1, PRIORITIES).map(p -> counts[p]).sum();
        var last = first + counts[priority] - 1;
        return Math.max(0, Math.max(first - at, at - last));
    }

    /** The priorities of the tasks in the order in which they began by the clock of the database. */
    private static List<Integer> beginOn(int nodes, List<TaskDefinition> tasks) throws SQLException {
        var engines = new ArrayList<TestEngine>();
        try (var database = Postgres.freshDatabase()) {
            try {
                for (var n = 0; n < nodes; n++) {
                    engines.add(new TestEngine(database));
                }
                var first = engines.getFirst();
                var dag = first.publish(tasks);
                for (var engine : engines) {
                    engine.knowsDagsOf(first);
                    engine.start(SHAPE, aMomentEach());
                }
                first.trigger(dag);
                until(
                        "all have ended",
                        () -> first.value("SELECT count(*) FROM task_attempts WHERE state = 'succeeded'")
                                .equals(Integer.toString(TASKS)));
                assertThat(first.value("SELECT count(DISTINCT node_id) FROM task_attempts"))
                        .as("nodes that did some")
                        .isEqualTo(Integer.toString(nodes));
                var names = first.value("SELECT string_agg(i.task_id, ',' ORDER BY a.started_at)"
                        + " FROM task_attempts a JOIN task_instances i ON i.id = a.task_id");
                return List.of(names.split(",")).stream()
                        .map(name -> Integer.parseInt(name.substring(1, name.indexOf('-'))))
                        .toList();
            } finally {
                engines.forEach(TestEngine::close);
            }
        }
    }

    private static TaskExecutor aMomentEach() {
        return (_, _) -> {
            var context = requireNonNull(Vertx.currentContext());
            Promise<AttemptOutcome> outcome = Promise.promise();
            context.owner().setTimer(20, _ -> outcome.tryComplete(HeldTasks.SUCCEEDED));
            return HeldTasks.execution(outcome.future(), () -> {});
        };
    }
}
