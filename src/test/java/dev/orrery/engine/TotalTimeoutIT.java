package dev.orrery.engine;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.RetryPolicy;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The limit of all attempts of a task together, over nodes that fail, and nodes that die. */
class TotalTimeoutIT extends EngineTestBase {

    private static final AttemptOutcome FAILED = new AttemptOutcome.Failed("it broke", true);

    @Test
    void anAttemptIsStoppedWhenTheTotalIsOver() throws SQLException {
        engine.start(1, 1, tasks);
        var run = trigger(Duration.ofMillis(300), Duration.ZERO);

        engine.awaitRun(run, "failed");

        assertThat(attempts()).isEqualTo("1 timed_out timed_out");
        assertThat(error()).isEqualTo("stopped: its totalTimeout of 300ms over all attempts is over");
    }

    @Test
    void aRetryThatWouldBeDueBehindTheEndIsNotWaitedFor() throws SQLException {
        engine.start(1, 1, tasks);
        var run = trigger(Duration.ofMinutes(5), Duration.ofMinutes(10));

        tasks.end("a", FAILED);

        engine.awaitRun(run, "failed");
        assertThat(attempts()).isEqualTo("1 timed_out timed_out");
        assertThat(error())
                .startsWith("it broke (not tried again: its totalTimeout of 5m over all attempts ends before");
        assertThat(engine.value("SELECT count(*) FROM task_timers")).isEqualTo("0");
    }

    @Test
    void theNodeThatTakesOverFromADeadOneGivesWhatIsLeft() throws SQLException, IOException {
        var run = lostAfter(Duration.ofHours(1).minusSeconds(4));

        try (var other = takesOver()) {
            other.awaitRun(run, "failed");
        }

        assertThat(attempts()).isEqualTo("1 lost ready, 2 timed_out timed_out");
        assertThat(error()).isEqualTo("stopped: its totalTimeout of 1h over all attempts is over");
        assertThat(engine.value("SELECT extract(epoch FROM finished_at - started_at) < 30 FROM task_attempts"
                        + " WHERE attempt = 2"))
                .isEqualTo("t");
    }

    @Test
    void theNodeThatTakesOverFromADeadOneBeginsNothingWhereNothingIsLeft() throws SQLException, IOException {
        var run = lostAfter(Duration.ofHours(2));

        try (var other = takesOver()) {
            other.awaitRun(run, "failed");
        }

        assertThat(attempts()).isEqualTo("1 lost ready, 2 timed_out timed_out");
        assertThat(error()).isEqualTo("not tried again: its totalTimeout of 1h over all attempts is over");
        assertThat(engine.value("SELECT started_at IS NULL FROM task_attempts WHERE attempt = 2"))
                .as("it never began")
                .isEqualTo("t");
        assertThat(tasks.order()).hasSize(1);
    }

    /** A run whose task has a total of one hour, and began so long ago on a node that died. */
    private RunId lostAfter(Duration ago) throws SQLException {
        engine.start(1, 1, tasks);
        var run = trigger(Duration.ofHours(1), Duration.ZERO);
        until(
                "its start is known",
                () -> engine.value("SELECT count(*) FROM task_attempts").equals("1"));
        execute("UPDATE task_attempts SET started_at = started_at - interval '%d milliseconds'"
                .formatted(ago.toMillis()));
        execute("UPDATE nodes SET fenced_at = clock_timestamp()");
        assertThat(engine.value("SELECT give_back(node_id, ARRAY[fence], NULL, 'lost') FROM claim_batches"))
                .isEqualTo("{default}");
        return run;
    }

    private TestEngine takesOver() throws SQLException, IOException {
        var other = newEngine();
        other.knowsDagsOf(engine);
        other.start(1, 1, tasks);
        return other;
    }

    private RunId trigger(Duration total, Duration delay) throws SQLException {
        var policy = new RetryPolicy(5, delay, delay, 1, 0).withTotalTimeout(total);
        return engine.trigger(engine.publish(List.of(new TaskDefinition(
                new TaskId("a"),
                "a",
                new TaskType.Handler("noop", Json.NULL),
                Duration.ofMinutes(30),
                policy,
                Set.of(),
                5,
                "default"))));
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private String attempts() {
        return engine.value("SELECT string_agg(concat_ws(' ', attempt, outcome, state), ', ' ORDER BY attempt)"
                + " FROM task_attempts");
    }

    private String error() {
        return engine.value("SELECT error FROM dead_letters");
    }
}
