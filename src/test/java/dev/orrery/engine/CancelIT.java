package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.engine.TestEngine.Shape;
import dev.orrery.store.WorkInvariants;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Seeded;
import io.vertx.core.Future;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Cancelling runs and single tasks, wherever these stand. */
class CancelIT extends EngineTestBase {

    @Test
    void aBlockedTaskEndsAtOnceAndWhatStandsBehindItIsSkipped() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a", "c <- b", "d <- c", "e <- a");
        tasks.awaitBegun("a");

        assertThat(engine.cancel(run, "b")).isTrue();

        assertThat(engine.states(run)).endsWith("b cancelled, c skipped, d skipped, e blocked");
        tasks.end("a", SUCCEEDED);
        tasks.end("e", SUCCEEDED);
        engine.awaitRun(run, "cancelled");
        assertThat(engine.states(run)).isEqualTo("a succeeded, b cancelled, c skipped, d skipped, e succeeded");
        assertThat(tasks.order()).containsExactly("a", "e");
    }

    @Test
    void aReadyTaskEndsAtOnce() throws SQLException {
        engine.start(1, 1, tasks);
        var run = trigger("a", "b", "c <- b");
        tasks.awaitBegun("a");

        engine.cancel(run, "b");

        assertThat(engine.states(run)).endsWith("b cancelled, c skipped");
        tasks.end("a", SUCCEEDED);
        engine.awaitRun(run, "cancelled");
        assertThat(tasks.order()).containsExactly("a");
    }

    @Test
    void aTaskInTheQueueOfAWorkerEndsWithoutHavingBegun() throws SQLException {
        var run = oneRunsAndTwoAreQueued();

        engine.cancel(run, "c");

        engine.awaitStates(run, "first succeeded, a running, b queued, c cancelled, d skipped");
        tasks.end("a", SUCCEEDED);
        tasks.end("b", SUCCEEDED);
        engine.awaitRun(run, "cancelled");
        assertThat(tasks.order()).containsExactly("first", "a", "b");
        assertThat(engine.value("SELECT count(*) FROM task_attempts WHERE state = 'cancelled' AND started_at IS NULL"))
                .isEqualTo("1");
    }

    @Test
    void aRunningTaskIsStoppedAndNotTriedAgain() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a", "c");
        tasks.awaitBegun("a");
        tasks.awaitBegun("c");

        engine.cancel(run, "a");

        engine.awaitStates(run, "a cancelled, b skipped, c running");
        tasks.end("c", SUCCEEDED);
        engine.awaitRun(run, "cancelled");
        assertThat(tasks.order()).containsExactlyInAnyOrder("a", "c");
        assertThat(engine.value("SELECT count(*) FROM dead_letters")).isEqualTo("0");
        assertThat(engine.value("SELECT count(*) FROM cancel_requests")).isEqualTo("0");
    }

    @Test
    void aTaskThatWaitsForItsRetryEndsAtOnceAndKeepsItsAttempts() throws SQLException {
        engine.start(1, 1, tasks);
        var run = engine.trigger(engine.publish(List.of(retried("a", Duration.ofHours(1)))));
        tasks.end("a", new AttemptOutcome.Failed("once", true));
        engine.awaitStates(run, "a retrying");

        engine.cancel(run, "a");

        assertThat(engine.states(run)).isEqualTo("a cancelled");
        assertThat(engine.runState(run)).isEqualTo("cancelled");
        assertThat(engine.value("SELECT string_agg(attempt || ' ' || outcome || ' ' || error, ',') FROM task_attempts"))
                .isEqualTo("1 failed once");
        assertThat(engine.value("SELECT count(*) FROM task_timers")).isEqualTo("0");
    }

    @Test
    void whatHasEndedStaysAsItIs() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a", "c");
        tasks.end("a", SUCCEEDED);
        tasks.end("c", new AttemptOutcome.Failed("no", false));
        tasks.awaitBegun("b");
        engine.awaitStates(run, "a succeeded, b running, c failed");

        assertThat(engine.cancel(run, "a")).isTrue();
        assertThat(engine.cancel(run, "c")).isTrue();

        tasks.end("b", SUCCEEDED);
        engine.awaitRun(run, "failed");
        assertThat(engine.cancel(run)).isTrue();
        assertThat(engine.cancel(run, "b")).isTrue();
        assertThat(engine.states(run)).isEqualTo("a succeeded, b succeeded, c failed");
        assertThat(engine.runState(run)).isEqualTo("failed");
    }

    @Test
    void aRunEndsWhereverItsTasksStand() throws SQLException {
        engine.start(Shape.of(1, 1).claimingFarAhead().withQueueCapacity(1), tasks);
        var lines = new ArrayList<>(Graphs.tasks("first", "a <- first", "b <- first", "c <- first", "d <- c"));
        lines.add(retried("e", Duration.ofHours(1)));
        var run = engine.trigger(engine.publish(lines));
        tasks.end("first", SUCCEEDED);
        tasks.end("e", new AttemptOutcome.Failed("once", true));
        engine.awaitStates(run, "first succeeded, a running, b queued, c ready, d blocked, e retrying");

        engine.cancel(run);

        engine.awaitRun(run, "cancelled");
        assertThat(engine.states(run))
                .isEqualTo("first succeeded, a cancelled, b cancelled, c cancelled, d cancelled, e cancelled");
        assertThat(tasks.order()).containsExactlyInAnyOrder("first", "e", "a");
    }

    @Test
    void aRunThatNobodyHasTouchedEndsAtOnce() throws SQLException {
        var run = trigger("a", "b <- a");

        engine.cancel(run);

        assertThat(engine.runState(run)).isEqualTo("cancelled");
        assertThat(engine.states(run)).isEqualTo("a cancelled, b cancelled");
    }

    @Test
    void aRunThatIsCancelledIsCancelledWhateverHasFailedInIt() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a", "c");
        tasks.end("a", new AttemptOutcome.Failed("no", false));
        engine.awaitStates(run, "a failed, b skipped, c running");

        engine.cancel(run);

        engine.awaitRun(run, "cancelled");
        assertThat(engine.states(run)).isEqualTo("a failed, b skipped, c cancelled");
    }

    @Test
    void aTaskThatFailsWhileItsRunIsCancelledIsNotTriedAgain() throws SQLException {
        var stubborn = new StubbornTasks();
        engine.start(1, 1, stubborn);
        var run = engine.trigger(engine.publish(List.of(retried("a", Duration.ZERO))));
        stubborn.awaitBegun();

        engine.cancel(run);
        until("it is told to stop", () -> stubborn.stopped() == 1);
        stubborn.end(new AttemptOutcome.Failed("killed", true));

        engine.awaitRun(run, "cancelled");
        assertThat(engine.value("SELECT string_agg(outcome || ' ' || state, ',') FROM task_attempts"))
                .isEqualTo("cancelled cancelled");
    }

    @Test
    void askingAgainChangesNothing() throws SQLException {
        var stubborn = new StubbornTasks();
        engine.start(1, 1, stubborn);
        var run = trigger("a", "b <- a");
        stubborn.awaitBegun();

        IntStream.range(0, 5).forEach(_ -> {
            assertThat(engine.cancel(run, "a")).isTrue();
            assertThat(engine.cancel(run)).isTrue();
            assertThat(engine.cancel(run, "b")).isTrue();
        });
        until("it is told to stop", () -> stubborn.stopped() > 0);
        assertThat(engine.runState(run)).isEqualTo("cancelling");
        stubborn.end(SUCCEEDED);

        engine.awaitRun(run, "cancelled");
        assertThat(stubborn.stopped()).isEqualTo(1);
        assertThat(engine.states(run)).isEqualTo("a cancelled, b cancelled");
        assertThat(engine.value("SELECT count(*) FROM task_events WHERE run_state = 'cancelling'"))
                .isEqualTo("1");
    }

    @Test
    void whatIsNotThereCannotBeCancelled() throws SQLException {
        var run = trigger("a");

        assertThat(engine.cancel(run, "z")).isFalse();
        assertThat(engine.cancel(new RunId(engine.node().value()))).isFalse();
        assertThat(engine.runState(run)).isEqualTo("pending");
    }

    @Test
    void whicheverComesFirstOfACancelAndAnEndCounts() {
        Seeded.forAll(3, random -> {
            try {
                raceOnce(random);
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private void raceOnce(RandomGenerator random) throws SQLException {
        var delays = new SplittableRandom(random.nextLong());
        engine.start(2, 2, (context, _) -> {
            var millis = 1 + delays.nextInt(4);
            var failing = context.task().id().value().equals("c");
            Future<AttemptOutcome> outcome = engine.vertx()
                    .timer(millis, TimeUnit.MILLISECONDS)
                    .map(_ -> failing ? new AttemptOutcome.Failed("no", true) : SUCCEEDED);
            return HeldTasks.execution(outcome, () -> {});
        });
        var tasksOfDag = new ArrayList<>(Graphs.tasks("a", "b <- a", "d <- a", "e <- b d"));
        tasksOfDag.add(retried("c", Duration.ofMillis(2)));
        var dag = engine.publish(tasksOfDag);
        var runs = new ArrayList<RunId>();
        var cancels = new ArrayList<Future<Boolean>>();
        for (var n = 0; n < 60; n++) {
            var run = engine.trigger(dag);
            runs.add(run);
            var task = random.nextBoolean()
                    ? Optional.<TaskId>empty()
                    : Optional.of(new TaskId(List.of("a", "b", "c", "d", "e").get(random.nextInt(5))));
            cancels.add(engine.vertx()
                    .timer(1 + random.nextInt(25), TimeUnit.MILLISECONDS)
                    .compose(_ -> engine.cancelling(run, task)));
        }
        cancels.forEach(cancel -> assertThat(await(cancel)).isTrue());
        until(
                "all have ended",
                () -> engine.value("SELECT count(*) FROM dag_runs WHERE completed_at IS NULL")
                        .equals("0"));

        engine.stop();
        try (var connection = database.connect()) {
            assertThat(WorkInvariants.violationsAtTheEnd(connection)).isEmpty();
        }
        assertThat(runs.stream().map(engine::runState).distinct()).contains("cancelled");
    }

    /** The first task has ended, a runs, b and c are in the queue of the only worker, d waits for c. */
    private RunId oneRunsAndTwoAreQueued() throws SQLException {
        engine.start(Shape.of(1, 1).claimingFarAhead(), tasks);
        var run = trigger("first", "a <- first", "b <- first", "c <- first", "d <- c");
        tasks.end("first", SUCCEEDED);
        engine.awaitStates(run, "first succeeded, a running, b queued, c queued, d blocked");
        return run;
    }
}
