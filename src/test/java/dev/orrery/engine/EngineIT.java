package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.engine.HeldTasks.execution;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.testing.Await;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EngineIT {

    private static final Duration LIMIT = Duration.ofMinutes(2);

    private TestDatabase database;
    private Connection looking;
    private TestEngine engine;
    private final HeldTasks tasks = new HeldTasks();

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        looking = database.connect();
        engine = new TestEngine(database);
    }

    @AfterEach
    void close() throws SQLException {
        engine.close();
        looking.close();
        database.close();
    }

    @Test
    void aDagRunsToItsEnd() throws SQLException {
        engine.start(2, 2, HeldTasks.endingWith(SUCCEEDED));

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
                new TaskType.Handler("noop", Json.NULL),
                Duration.ofMillis(50),
                new RetryPolicy(1, Duration.ZERO, Duration.ZERO, 1, 0),
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
        until("a runs", () -> tasks.order().size() == 1);

        engine.stop();

        assertThat(value("SELECT count(*) FROM task_ready")).isEqualTo("3");
        assertThat(value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
        assertThat(runState(run)).isEqualTo("running");
    }

    @Test
    void aChainOfTenThousandAndAFanOfTenThousandComplete() throws SQLException {
        engine.start(4, 2, HeldTasks.endingWith(SUCCEEDED));
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

        var fanRun = engine.trigger(engine.publish(Graphs.tasks(fan.toArray(String[]::new))));
        awaitState(fanRun, "succeeded");
        var chainRun = engine.trigger(engine.publish(Graphs.tasks(chain.toArray(String[]::new))));
        awaitState(chainRun, "succeeded");
    }

    private static TaskDefinition withQuickRetries(String id) {
        return new TaskDefinition(
                new TaskId(id),
                id,
                new TaskType.Handler("noop", Json.NULL),
                TaskDefinition.DEFAULT_TIMEOUT,
                new RetryPolicy(3, Duration.ofMillis(5), Duration.ofMillis(5), 1, 0),
                Set.of(),
                5,
                "default");
    }

    private void awaitState(RunId run, String state) {
        until("run is " + state, LIMIT, () -> runState(run).equals(state));
    }

    private String runState(RunId run) {
        return value("SELECT state FROM dag_runs WHERE id = '" + run + "'");
    }

    /** On one connection: opening one for each look would keep the server busier than the engine does. */
    private String value(String sql) {
        try (var statement = looking.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }
}
