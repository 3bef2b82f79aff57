package dev.orrery.store;

import static dev.orrery.store.TaskBench.FAIL;
import static dev.orrery.store.TaskBench.SUCCEED;
import static dev.orrery.store.TaskBench.task;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.testing.Await;
import io.vertx.core.Future;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Old tasks are deleted while somebody retries them or comes to wait for them: one of the two goes first, and the other sees it. */
class TaskPurgeRacesIT {

    private static final Duration NO_AGE = Duration.ZERO;
    private static final String PURGE = "SELECT purge_old_tasks('0', 10, 0, '00000000-0000-0000-0000-000000000000')";

    private TaskBench bench;

    @BeforeEach
    void open() throws SQLException {
        bench = new TaskBench(SingleTaskRepository.Limits.USUAL);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void aTaskThatIsRetriedMeanwhileStays() throws SQLException {
        var id = bench.submitted(task());
        bench.end(id, FAIL);

        try (var other = transaction("SELECT verdict FROM retry_task(1, '%s', NULL, NULL, NULL)".formatted(id))) {
            var purge = bench.tasks.purgeOld(NO_AGE, 10, SingleTaskRepository.Mark.START, 0);
            untilOneWaits();
            other.commit();
            await(purge);
        }

        assertThat(bench.state(id)).isEqualTo("ready");
        bench.end(id, SUCCEED);
        assertThat(bench.state(id)).isEqualTo("succeeded");
    }

    @Test
    void aTaskThatAnotherOneComesToWaitForMeanwhileStays() throws SQLException {
        var first = bench.submitted(task());
        var second = bench.submitted(task());
        bench.end(first, SUCCEED);

        try (var other = transaction("SELECT insert_dependency(1, '%s', '%s', 'sequential', 50, 10, NULL, NULL, NULL)"
                .formatted(second, first))) {
            var purge = bench.tasks.purgeOld(NO_AGE, 10, SingleTaskRepository.Mark.START, 0);
            untilOneWaits();
            other.commit();
            await(purge);
        }

        assertThat(bench.states(List.of(first, second))).containsExactly("succeeded", "ready");
        assertThat(bench.text("SELECT count(*) FROM task_dependencies")).isEqualTo("1");
    }

    @Test
    void aSubmissionThatNamesATaskWhichIsDeletedMeanwhileIsRefused() throws SQLException {
        var id = bench.submitted(task());
        bench.end(id, SUCCEED);

        Future<List<SubmissionResult>> submission;
        try (var other = transaction(PURGE)) {
            submission = bench.tasks.submit(List.of(TaskBench.submission(task().after(id))));
            untilOneWaits();
            other.commit();
        }

        assertThat(await(submission).getFirst())
                .isInstanceOfSatisfying(
                        SubmissionResult.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.DEPENDENCY_NOT_FOUND));
        assertThat(bench.text("SELECT count(*) FROM task_instances")).isEqualTo("0");
    }

    @Test
    void anEdgeToATaskThatIsDeletedMeanwhileIsRefused() throws SQLException {
        var first = bench.submitted(task());
        bench.end(first, SUCCEED);
        var second = bench.submitted(task());

        Future<Void> edge;
        try (var other = transaction(PURGE)) {
            edge = bench.calls.insertTaskDependency(
                    TenantId.DEFAULT, second, first, DependencyType.SEQUENTIAL, Optional.empty());
            untilOneWaits();
            other.commit();
        }

        assertFails(ErrorCode.DEPENDENCY_NOT_FOUND, edge);
        assertThat(bench.state(second)).isEqualTo("ready");
    }

    @Test
    void aTaskThatIsDeletedMeanwhileIsNotRetriedAndKeepsNoKey() throws SQLException {
        var id = bench.submitted(task().unique("k", OnConflict.REFUSE));
        bench.end(id, FAIL);

        Future<TaskCallRepository.Effects> retry;
        try (var other = transaction(PURGE)) {
            retry = bench.calls.retry(TenantId.DEFAULT, id, Optional.of(new NewRun.Key("retry", "k", "h")));
            untilOneWaits();
            other.commit();
        }

        assertFails(ErrorCode.TASK_NOT_FOUND, retry);
        assertThat(bench.text("SELECT (SELECT count(*) FROM unique_keys) + (SELECT count(*) FROM idempotency_keys)"
                        + " + (SELECT count(*) FROM task_ready)"))
                .isEqualTo("0");
    }

    @Test
    void endsOfOtherTasksDoNotWait() throws SQLException {
        var old = bench.submitted(task());
        bench.end(old, SUCCEED);
        var claim = bench.claim(sharesItsSlotWith(old));

        try (var other = transaction(PURGE)) {
            bench.end(claim, SUCCEED);
            other.commit();
        }

        assertThat(bench.text("SELECT count(*) FROM task_instances WHERE id = '" + old + "'"))
                .isEqualTo("0");
    }

    /** A new task; of those that come to be by and by, one has the slot. */
    private TaskInstanceId sharesItsSlotWith(TaskInstanceId id) {
        while (true) {
            var other = bench.submitted(task());
            if (slot(other) == slot(id)) {
                return other;
            }
        }
    }

    private static long slot(TaskInstanceId id) {
        return id.value().getMostSignificantBits() >>> 16 & 63;
    }

    /** A connection on which this was just done and is not yet committed. */
    private Connection transaction(String sql) throws SQLException {
        var connection = bench.database.connect();
        connection.setAutoCommit(false);
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
        return connection;
    }

    private void untilOneWaits() {
        Await.until(
                "a transaction waits for the other one",
                () -> !bench.text(
                                "SELECT count(*) FROM pg_locks l WHERE NOT l.granted"
                                        + " AND l.pid IN (SELECT a.pid FROM pg_stat_activity a WHERE a.datname = current_database())")
                        .equals("0"));
    }

    private static void assertFails(ErrorCode code, Future<?> call) {
        assertThatThrownBy(() -> await(call))
                .isInstanceOfSatisfying(
                        OrreryException.class, error -> assertThat(error.code()).isEqualTo(code));
    }
}
