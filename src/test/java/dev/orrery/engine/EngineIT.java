package dev.orrery.engine;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.executor.AttemptLog;
import dev.orrery.executor.Execution;
import dev.orrery.executor.TaskContext;
import dev.orrery.executor.TaskExecutor;
import dev.orrery.testing.Await;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EngineIT {

    private static final AttemptOutcome SUCCEEDED = new AttemptOutcome.Succeeded(Json.NULL);

    private TestDatabase database;
    private TestEngine engine;
    private final HeldTasks tasks = new HeldTasks();

    /** Ends each attempt when the test says so. */
    private static final class HeldTasks implements TaskExecutor {

        private final Map<String, Promise<AttemptOutcome>> begun = new ConcurrentHashMap<>();
        private final ConcurrentLinkedQueue<String> order = new ConcurrentLinkedQueue<>();

        @Override
        public Execution start(TaskContext context, AttemptLog log) {
            Promise<AttemptOutcome> outcome = Promise.promise();
            order.add(context.task().id().value());
            begun.put(context.task().id().value(), outcome);
            return execution(outcome.future(), () -> outcome.tryComplete(new AttemptOutcome.Failed("stopped", true)));
        }

        void end(String task, AttemptOutcome outcome) {
            until(task + " has begun", () -> begun.containsKey(task));
            begun.remove(task).complete(outcome);
        }
    }

    private static Execution execution(Future<AttemptOutcome> outcome, Runnable stop) {
        return new Execution() {
            @Override
            public Future<AttemptOutcome> outcome() {
                return outcome;
            }

            @Override
            public void stop() {
                stop.run();
            }
        };
    }

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        engine = new TestEngine(database);
    }

    @AfterEach
    void close() {
        engine.close();
        database.close();
    }

    @Test
    void aDagRunsToItsEnd() throws SQLException {
        engine.start(2, 2, (_, _) -> execution(Future.succeededFuture(SUCCEEDED), () -> {}));

        var run = engine.trigger(engine.publish(Graphs.tasks("a", "b <- a", "c <- a", "d <- b c")));

        awaitState(run, "succeeded");
    }

    @Test
    void oneSlotRunsStrictlyOneAtATimeInATopologicalOrder() throws SQLException {
        var order = new ConcurrentLinkedQueue<String>();
        engine.start(1, 1, (context, _) -> {
            order.add(context.task().id().value());
            return execution(Future.succeededFuture(SUCCEEDED), () -> {});
        });
        var lines = new ArrayList<String>();
        IntStream.range(0, 30).forEach(n -> lines.add(n < 3 ? "t" + n : "t" + n + " <- t" + (n / 2) + " t" + (n - 1)));

        var run = engine.trigger(engine.publish(Graphs.tasks(lines.toArray(String[]::new))));
        awaitState(run, "succeeded");

        assertThat(order).hasSize(30);
        var place = new ArrayList<>(order);
        for (var n = 3; n < 30; n++) {
            assertThat(place.indexOf("t" + n)).isGreaterThan(place.indexOf("t" + (n - 1)));
        }
    }

    @Test
    void aRunningTaskIsSeenAndCancelledWithItsRun() throws SQLException {
        engine.start(1, 2, tasks);
        var run = engine.trigger(engine.publish(Graphs.tasks("a", "b <- a")));
        until(
                "a runs",
                () -> value("SELECT count(*) FROM task_attempts WHERE state = 'running'")
                        .equals("1"));
        assertThat(runState(run)).isEqualTo("running");

        Await.await(engine.work().cancel(TenantId.DEFAULT, run, Optional.empty()));
        engine.bus().publish(Addresses.CANCELS_ASKED, new CancelsAsked());

        awaitState(run, "cancelled");
        assertThat(value("SELECT string_agg(state::text, ',') FROM task_attempts"))
                .isEqualTo("cancelled,cancelled");
    }

    @Test
    void aTaskThatFailsIsRetriedAfterItsDelay() throws SQLException {
        engine.start(1, 1, tasks);
        var run = engine.trigger(engine.publish(List.of(withQuickRetries("a"))));

        tasks.end("a", new AttemptOutcome.Failed("first", true));
        tasks.end("a", new AttemptOutcome.Failed("second", true));
        tasks.end("a", SUCCEEDED);

        awaitState(run, "succeeded");
        assertThat(value("SELECT string_agg(attempt || ' ' || outcome, ', ' ORDER BY attempt) FROM task_attempts"))
                .isEqualTo("1 failed, 2 failed, 3 succeeded");
    }

    @Test
    void aTaskThatTakesTooLongTimesOutAndIsBuried() throws SQLException {
        engine.start(1, 1, tasks);
        var run = engine.trigger(engine.publish(List.of(new TaskDefinition(
                new TaskId("slow"),
                "slow",
                new dev.orrery.domain.dag.TaskType.Handler("noop", Json.NULL),
                java.time.Duration.ofMillis(50),
                new dev.orrery.domain.task.RetryPolicy(1, java.time.Duration.ZERO, java.time.Duration.ZERO, 1, 0),
                Set.of(),
                5,
                "default"))));

        awaitState(run, "failed");
        assertThat(value("SELECT outcome || ': ' || error FROM dead_letters"))
                .isEqualTo("timed_out: stopped after its timeout of 50ms");
    }

    @Test
    void drainingHandsBackWhatHasNotBegunAndStopsTheRest() throws SQLException {
        engine.start(1, 1, tasks);
        var run = engine.trigger(engine.publish(Graphs.tasks("a", "b", "c")));
        until("a runs", () -> tasks.order.size() == 1);

        engine.stop();

        assertThat(value("SELECT count(*) FROM task_ready")).isEqualTo("3");
        assertThat(value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
        assertThat(runState(run)).isEqualTo("running");
    }

    @Test
    void aChainOfTenThousandAndAFanOfTenThousandComplete() throws SQLException {
        engine.start(4, 2, (_, _) -> execution(Future.succeededFuture(SUCCEEDED), () -> {}));
        var chain = new ArrayList<String>();
        var fan = new ArrayList<String>();
        chain.add("t0");
        fan.add("source");
        for (var n = 1; n < 10_000; n++) {
            chain.add("t" + n + " <- t" + (n - 1));
        }
        for (var n = 0; n < 9_998; n++) {
            fan.add("m" + n + " <- source");
        }
        fan.add("sink <- " + IntStream.range(0, 9_998).mapToObj(n -> "m" + n).collect(Collectors.joining(" ")));

        var began = System.nanoTime();
        var fanRun = engine.trigger(engine.publish(Graphs.tasks(fan.toArray(String[]::new))));
        awaitState(fanRun, "succeeded");
        System.out.println("fan ms " + (System.nanoTime() - began) / 1_000_000);
        began = System.nanoTime();
        var chainRun = engine.trigger(engine.publish(Graphs.tasks(chain.toArray(String[]::new))));
        awaitState(chainRun, "succeeded");
        System.out.println("chain ms " + (System.nanoTime() - began) / 1_000_000);
    }

    private static TaskDefinition withQuickRetries(String id) {
        return new TaskDefinition(
                new TaskId(id),
                id,
                new dev.orrery.domain.dag.TaskType.Handler("noop", Json.NULL),
                TaskDefinition.DEFAULT_TIMEOUT,
                new dev.orrery.domain.task.RetryPolicy(
                        3, java.time.Duration.ofMillis(5), java.time.Duration.ofMillis(5), 1, 0),
                Set.of(),
                5,
                "default");
    }

    private void awaitState(RunId run, String state) {
        until("run is " + state, () -> runState(run).equals(state));
    }

    private String runState(RunId run) {
        return value("SELECT state FROM dag_runs WHERE id = '" + run + "'");
    }

    private String value(String sql) {
        return database.value(sql);
    }
}
