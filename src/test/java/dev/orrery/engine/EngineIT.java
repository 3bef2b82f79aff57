package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.engine.HeldTasks.execution;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.RetryPolicy;
import dev.orrery.testing.Await;
import dev.orrery.testing.Graphs;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The life of a run, from its start to each of its ends. */
class EngineIT extends EngineTestBase {

    @Test
    void aDagRunsToItsEnd() throws SQLException {
        engine.start(2, 2, HeldTasks.endingWith(SUCCEEDED));

        var run = trigger("a", "b <- a", "c <- a", "d <- b c");

        engine.awaitRun(run, "succeeded");
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

        var run = trigger(lines.toArray(String[]::new));
        engine.awaitRun(run, "succeeded");

        assertThat(order).hasSize(30);
        var place = new ArrayList<>(order);
        for (var n = 3; n < 30; n++) {
            assertThat(place.indexOf("t" + n)).isGreaterThan(place.indexOf("t" + (n - 1)));
        }
    }

    @Test
    void aNodeTakesOnlyTasksOfTheQueuesThatItServes() throws SQLException {
        engine.start(TestEngine.Shape.of(1, 2).serving("fast", "other"), HeldTasks.endingWith(SUCCEEDED));
        var slow = engine.trigger(engine.publish(List.of(inQueue("waits", "slow"))));
        for (var n = 0; n < 3; n++) {
            engine.awaitRun(engine.trigger(engine.publish(List.of(inQueue("goes", "fast")))), "succeeded");
        }

        assertThat(engine.runState(slow)).isEqualTo("pending");
        assertThat(engine.value("SELECT string_agg(queue, ' ') FROM task_ready"))
                .isEqualTo("slow");
    }

    private static TaskDefinition inQueue(String id, String queue) {
        var task = Graphs.task(id, Set.of(), 5);
        return new TaskDefinition(
                task.id(), task.name(), task.type(), task.timeout(), task.retry(), Set.of(), task.priority(), queue);
    }

    @Test
    void aRunningTaskIsSeenAndCancelledWithItsRun() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a");
        until(
                "a runs",
                () -> engine.value("SELECT count(*) FROM task_attempts WHERE state = 'running'")
                        .equals("1"));
        assertThat(engine.runState(run)).isEqualTo("running");

        Await.await(engine.work().cancel(TenantId.DEFAULT, run, Optional.empty()));
        engine.bus().publish(Addresses.CANCELS_ASKED, new CancelsAsked());

        engine.awaitRun(run, "cancelled");
        assertThat(engine.value("SELECT string_agg(state::text, ',') FROM task_attempts"))
                .isEqualTo("cancelled,cancelled");
    }

    @Test
    void aTaskThatFailsIsRetriedAfterItsDelay() throws SQLException {
        engine.start(1, 1, tasks);
        var run = engine.trigger(engine.publish(List.of(retried("a", Duration.ofMillis(5)))));

        tasks.end("a", new AttemptOutcome.Failed("first", true));
        tasks.end("a", new AttemptOutcome.Failed("second", true));
        tasks.end("a", SUCCEEDED);

        engine.awaitRun(run, "succeeded");
        assertThat(engine.value(
                        "SELECT string_agg(attempt || ' ' || outcome, ', ' ORDER BY attempt) FROM task_attempts"))
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

        engine.awaitRun(run, "failed");
        assertThat(engine.value("SELECT outcome || ': ' || error FROM dead_letters"))
                .isEqualTo("timed_out: stopped after its timeout of 50ms");
    }

    @Test
    void drainingHandsBackWhatHasNotBegunAndStopsTheRest() throws SQLException {
        engine.start(1, 1, tasks);
        var run = trigger("a", "b", "c");
        until("a runs", () -> tasks.order().size() == 1);

        engine.stop();

        assertThat(engine.value("SELECT count(*) FROM task_ready")).isEqualTo("3");
        assertThat(engine.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
        assertThat(engine.runState(run)).isEqualTo("running");
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

        var fanRun = trigger(fan.toArray(String[]::new));
        engine.awaitRun(fanRun, "succeeded");
        var chainRun = trigger(chain.toArray(String[]::new));
        engine.awaitRun(chainRun, "succeeded");
    }
}
