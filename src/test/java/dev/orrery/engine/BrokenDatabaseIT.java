package dev.orrery.engine;

import static dev.orrery.engine.HeldTasks.SUCCEEDED;
import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.testing.Graphs;
import java.sql.SQLException;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The engine while its database is gone, silent, or says no. */
class BrokenDatabaseIT extends BrokenNetworkTestBase {

    private static final Duration HARDLY_EVER = Duration.ofSeconds(20);

    @Test
    void aResultWhoseAnswerIsLostIsToldAgainAndCountsOnce() throws SQLException {
        engine.start(TestEngine.Shape.of(1, 2).withPoll(HARDLY_EVER), tasks);
        var run = trigger("a", "b <- a");
        tasks.awaitBegun("a");

        network.cutAnswerTo("told-once");
        tasks.end("a", new AttemptOutcome.Succeeded(new Json("{\"text\":\"told-once\"}")));
        until("the answer is lost", network::hasCutAnswer);
        tasks.end("b", SUCCEEDED);

        engine.awaitRun(run, "succeeded");
        // The lost answer held the claim of b, which nobody knew: it was handed back and claimed anew.
        assertThat(engine.value(
                        "SELECT string_agg(attempt || ' ' || outcome, ', ' ORDER BY task_id) FROM task_attempts"))
                .isEqualTo("1 succeeded, 1 succeeded");
        assertThat(tasks.order()).containsExactly("a", "b");
        assertThat(engine.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
    }

    @Test
    void whatEndsWhileTheDatabaseIsAwayIsCommittedAfterwards() throws SQLException {
        engine.start(2, 20, tasks);
        var names = IntStream.range(0, 30).mapToObj(n -> "t" + n).toList();
        var run = trigger(names.toArray(String[]::new));
        names.forEach(tasks::awaitBegun);

        network.cut();
        names.forEach(name -> tasks.end(name, SUCCEEDED));
        until("the engine has met it", () -> isRefused(engine));
        network.pass();

        engine.awaitRun(run, "succeeded");
        assertThat(engine.value("SELECT count(*) FROM task_attempts WHERE outcome = 'succeeded'"))
                .isEqualTo("30");
        assertThat(tasks.order()).hasSize(30);
    }

    @Test
    void aDatabaseThatIsSilentForAWhileHarmsNothing() throws SQLException {
        engine.start(1, 2, tasks);
        var run = trigger("a", "b <- a");
        tasks.awaitBegun("a");

        network.blackHole();
        tasks.end("a", SUCCEEDED);
        until("the network holds something back", network::holdsBack);
        network.pass();
        tasks.end("b", SUCCEEDED);

        engine.awaitRun(run, "succeeded");
    }

    @Test
    void aResultThatTheDatabaseRefusesFailsAloneAndTheOthersCount() throws SQLException {
        engine.start(1, 20, tasks);
        var names = IntStream.range(0, 15).mapToObj(n -> "t" + n).toList();
        var run = trigger(names.toArray(String[]::new));
        names.forEach(tasks::awaitBegun);

        network.blackHole();
        for (var name : names) {
            var json = name.equals("t7") ? "{\"not\": json}" : "{\"text\":\"fine\"}";
            tasks.end(name, new AttemptOutcome.Succeeded(new Json(json)));
        }
        network.pass();

        engine.awaitRun(run, "failed");
        assertThat(engine.value("SELECT count(*) FROM task_attempts WHERE outcome = 'succeeded'"))
                .isEqualTo("14");
        assertThat(engine.value("SELECT i.task_id || ': ' || d.error FROM dead_letters d JOIN task_instances i"
                        + " ON i.id = d.task_id"))
                .startsWith("t7: INTERNAL_ERROR: the result could not be stored");
    }

    @Test
    void aDagVersionThatCannotBeReadHandsItsTasksBackUntilItCan() throws SQLException {
        var dag = engine.publish(Graphs.tasks("a"));
        engine.hideVersions(true);
        engine.start(1, 1, HeldTasks.endingWith(SUCCEEDED));
        var run = engine.trigger(dag);
        until("it was handed back", () -> engine.versionsAsked() > 2);

        engine.hideVersions(false);

        engine.awaitRun(run, "succeeded");
        assertThat(engine.value("SELECT max(attempt) FROM task_attempts")).isEqualTo("1");
    }

    private static boolean isRefused(TestEngine engine) {
        return await(engine.work().queues().map(false).otherwise(true));
    }
}
