package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.Assign;
import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.Drained;
import dev.orrery.bus.BusMessage.Report;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.engine.TestEngine.Shape;
import dev.orrery.testing.Graphs;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** How much a worker is given, and what it is given next. */
class BoundedQueuesIT extends EngineTestBase {

    /** A worker that ends one task in a millisecond, and remembers the most that it ever had. */
    private final class SlowWorker {

        private final WorkerId id;
        private final Deque<TaskAssignment> given = new ArrayDeque<>();
        private int most;

        private SlowWorker(int number) {
            id = engine.worker(number);
            engine.bus().answer(Addresses.assign(id), this::take);
            engine.bus().answer(Addresses.drain(id), _ -> Future.succeededFuture(new Drained(List.of())));
            endOne();
        }

        private synchronized Future<Done> take(Assign assign) {
            given.addAll(assign.assignments());
            most = Math.max(most, given.size());
            return Future.succeededFuture(new Done());
        }

        private synchronized void endOne() {
            var next = given.poll();
            if (next != null) {
                var ended = new AttemptEnded(next, OptionalLong.of(System.nanoTime()), SUCCEEDED);
                engine.bus()
                        .request(
                                Addresses.report(engine.node()),
                                new Report(id, List.of(), List.of(ended)),
                                Duration.ofSeconds(5));
            }
            engine.vertx().setTimer(1, _ -> endOne());
        }

        private synchronized int most() {
            return most;
        }
    }

    @Test
    void aWorkerIsNeverGivenMoreThanItRunsAndQueues() throws SQLException {
        var workers = IntStream.rangeClosed(1, 3).mapToObj(SlowWorker::new).toList();
        engine.startRouter(Shape.of(3, 2).withQueueCapacity(5).claimingFarAhead());
        var names = IntStream.range(0, 500).mapToObj(n -> "t" + n).toArray(String[]::new);

        var run = trigger(names);
        var mostClaimed = new AtomicInteger();
        until("it has ended", () -> {
            mostClaimed.accumulateAndGet(
                    Integer.parseInt(
                            engine.value("SELECT count(*) FROM task_states WHERE state IN ('queued', 'running')")),
                    Math::max);
            return engine.runState(run).equals("succeeded");
        });

        assertThat(workers).allSatisfy(worker -> assertThat(worker.most()).isBetween(3, 2 + 5));
        // What has ended is counted until it is committed, two exchanges later at the latest.
        assertThat(mostClaimed.get()).isBetween(3 * 3, 3 * 3 * 7);
    }

    @Test
    void whatWaitsInTheDatabaseIsOvertakenByWhatIsMoreUrgent() throws SQLException {
        engine.start(1, 1, tasks);
        var usual = trigger("a", "b", "c");
        tasks.awaitBegun("a");
        var urgent = engine.trigger(engine.publish(List.of(Graphs.task("urgent", Set.of(), 9))));
        var patient = engine.trigger(engine.publish(List.of(Graphs.task("patient", Set.of(), 1))));

        List.of("a", "urgent", "b", "c", "patient").forEach(task -> tasks.end(task, SUCCEEDED));

        List.of(usual, urgent, patient).forEach(run -> engine.awaitRun(run, "succeeded"));
        assertThat(tasks.order()).containsExactly("a", "urgent", "b", "c", "patient");
    }

    @Test
    void theWorkerThatHasTheLeastToDoIsGivenTheNext() throws SQLException {
        engine.start(3, 2, tasks);
        var run = engine.trigger(
                engine.publish(Graphs.tasks("a", "b", "c", "d", "e", "f", "g <- b e", "h <- b e", "i <- b e c")));
        IntStream.rangeClosed('a', 'f').forEach(task -> tasks.awaitBegun(String.valueOf((char) task)));
        until("their starts are known", () -> workersOf("a b c d e f").equals("1 2 3 1 2 3"));

        tasks.end("b", SUCCEEDED);
        tasks.end("e", SUCCEEDED);
        tasks.awaitBegun("g");
        tasks.awaitBegun("h");
        tasks.end("c", SUCCEEDED);
        tasks.awaitBegun("i");

        until("their starts are known", () -> workersOf("g h i").equals("2 2 3"));
        List.of("a", "d", "f", "g", "h", "i").forEach(task -> tasks.end(task, SUCCEEDED));
        engine.awaitRun(run, "succeeded");
    }

    @Test
    void oneSlotIsOneTaskAtATime() throws SQLException {
        var running = new AtomicInteger();
        var most = new AtomicInteger();
        engine.start(Shape.of(1, 1).claimingFarAhead(), (_, _) -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            return HeldTasks.execution(
                    engine.vertx().timer(1, TimeUnit.MILLISECONDS).map(_ -> {
                        running.decrementAndGet();
                        return SUCCEEDED;
                    }),
                    () -> {});
        });
        var lines = new ArrayList<String>(List.of("first"));
        IntStream.range(0, 100).forEach(n -> lines.add("t" + n + " <- first"));

        var run = trigger(lines.toArray(String[]::new));

        engine.awaitRun(run, "succeeded");
        assertThat(most).hasValue(1);
    }

    private String workersOf(String tasks) {
        return engine.value("SELECT string_agg(a.worker_no::text, ' ' ORDER BY i.task_id) FROM task_attempts a"
                + " JOIN task_instances i ON i.id = a.task_id WHERE i.task_id = ANY (string_to_array('" + tasks
                + "', ' '))");
    }
}
