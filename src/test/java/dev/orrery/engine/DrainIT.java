package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.BusMessage.Activity;
import dev.orrery.bus.BusMessage.AskStatus;
import dev.orrery.bus.BusMessage.Drain;
import dev.orrery.bus.BusMessage.Drained;
import dev.orrery.bus.BusMessage.NodeFenced;
import dev.orrery.domain.RunId;
import dev.orrery.engine.TestEngine.Shape;
import dev.orrery.executor.TaskExecutor;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Ending a node's work: what has not begun is handed back, what runs may end, and is stopped at last. */
class DrainIT extends EngineTestBase {

    private static final Duration LONG = Duration.ofMinutes(5);

    @Test
    void whatIsQueuedIsHandedBackAtOnceWithNoAttemptCharged() throws SQLException {
        var run = oneRunsAndTwoAreQueued(Shape.of(1, 1).withDrainTimeout(LONG));

        var drained = engine.stopping();

        engine.awaitStates(run, "first succeeded, a running, b ready, c ready");
        assertThat(engine.value("SELECT string_agg(attempt || ' ' || failures, ',') FROM task_ready"))
                .isEqualTo("0 0,0 0");
        assertThat(drained.isComplete()).isFalse();
        tasks.end("a", SUCCEEDED);
        await(drained);
        assertThat(engine.states(run)).isEqualTo("first succeeded, a succeeded, b ready, c ready");
    }

    @Test
    void whatStillRunsAtTheTimeoutIsStoppedAndTriedAgainUncharged() throws SQLException {
        var run = oneRunsAndTwoAreQueued(Shape.of(1, 1));

        engine.stop();

        assertThat(engine.states(run)).isEqualTo("first succeeded, a ready, b ready, c ready");
        assertThat(engine.value("SELECT outcome || ' ' || state FROM task_attempts WHERE outcome <> 'succeeded'"))
                .isEqualTo("handed_back ready");
        assertThat(engine.value("SELECT string_agg(attempt || ' ' || failures, ',' ORDER BY attempt) FROM task_ready"))
                .isEqualTo("0 0,0 0,1 0");
        engine.start(1, 1, HeldTasks.endingWith(SUCCEEDED));
        engine.awaitRun(run, "succeeded");
        assertThat(engine.value("SELECT string_agg(i.task_id || a.attempt, ' ' ORDER BY i.id) FROM task_attempts a"
                        + " JOIN task_instances i ON i.id = a.task_id WHERE a.outcome = 'succeeded'"))
                .isEqualTo("first1 a2 b1 c1");
    }

    @Test
    void whatEndsByItselfWhileItsLogIsStoredIsNotRunAgain() throws SQLException {
        TaskExecutor talking = (context, log) -> {
            log.line("done");
            return tasks.start(context, log);
        };
        engine.holdLogs(true);
        engine.start(1, 1, talking);
        var run = trigger("a");
        tasks.end("a", SUCCEEDED);

        var drained = asked(true);
        until("the worker drains", () -> activity() == Activity.DRAINING);
        engine.holdLogs(false);

        assertThat(await(drained).unfinished()).isEmpty();
        engine.awaitRun(run, "succeeded");
        assertThat(tasks.order()).containsExactly("a");
    }

    @Test
    void whatIsAskedToEndEndsInsteadOfBeingHandedBack() throws SQLException {
        var stubborn = new StubbornTasks();
        engine.start(Shape.of(1, 1).withDrainTimeout(LONG), stubborn);
        var run = trigger("a", "b <- a");
        stubborn.awaitBegun();
        var drained = engine.stopping();

        engine.cancel(run, "a");
        until("it is told to stop", () -> stubborn.stopped() == 1);
        stubborn.end(SUCCEEDED);

        await(drained);
        assertThat(engine.states(run)).isEqualTo("a cancelled, b skipped");
    }

    @Test
    void aWorkerThatIsAskedTwiceAnswersTheSame() throws SQLException {
        oneRunsAndTwoAreQueued(Shape.of(1, 1).withDrainTimeout(LONG));

        var first = drain(false);
        var second = drain(false);
        var third = drain(true);
        var fourth = drain(true);

        assertThat(first.unfinished()).hasSize(2);
        assertThat(second).isEqualTo(first);
        assertThat(third.unfinished()).hasSize(3).containsAll(first.unfinished());
        assertThat(fourth).isEqualTo(third);
        // Its router was not asked to drain: at the end it hands back what the worker keeps.
        engine.stop();
        assertThat(engine.value("SELECT count(*) FROM task_ready")).isEqualTo("3");
    }

    @Test
    void aFencedNodeStopsAllItRunsAtOnceAndClaimsNothingMore() throws SQLException {
        oneRunsAndTwoAreQueued(Shape.of(1, 1).withDrainTimeout(LONG));
        var other = trigger("x");

        engine.bus().send(Addresses.fenced(engine.node()), new NodeFenced());

        until(
                "all is handed back",
                () -> engine.value("SELECT count(*) FROM claim_batches").equals("0"));
        assertThat(activity()).isEqualTo(Activity.DRAINING);
        engine.stop();
        assertThat(engine.states(other)).isEqualTo("x ready");
        assertThat(tasks.order()).containsExactly("first", "a");
    }

    @Test
    void anIdleNodeDrainsAtOnce() {
        engine.start(Shape.of(2, 2).withDrainTimeout(LONG), tasks);

        engine.stop();

        assertThat(engine.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
    }

    private Drained drain(boolean stopRunning) {
        return await(asked(stopRunning));
    }

    private Future<Drained> asked(boolean stopRunning) {
        return engine.bus().request(Addresses.drain(engine.worker(1)), new Drain(stopRunning), LONG);
    }

    private Activity activity() {
        return await(engine.bus().request(Addresses.status(engine.worker(1)), new AskStatus(), LONG))
                .activity();
    }

    /** The first task has ended, a runs, b and c are in the queue of the only worker. */
    private RunId oneRunsAndTwoAreQueued(Shape shape) throws SQLException {
        engine.start(shape.claimingFarAhead(), tasks);
        var run = trigger("first", "a <- first", "b <- first", "c <- first");
        tasks.end("first", SUCCEEDED);
        engine.awaitStates(run, "first succeeded, a running, b queued, c queued");
        return run;
    }
}
