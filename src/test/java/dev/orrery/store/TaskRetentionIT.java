package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TaskRetentionIT {

    private static final Duration A_WEEK = Duration.ofDays(7);

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private SingleTaskRepository tasks;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        tasks = new SingleTaskRepository(vertx, pools.api(), SingleTaskRepository.Limits.USUAL);
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void onlyTasksThatEndedLongAgoAreDeletedWithAllThatIsTheirs() {
        aTask("succeeded", "8 days", "succeeded", "7 days 1 minute");
        aTask("failed", "9 days", "failed", "8 days");
        aTask("late", "8 days", "succeeded", "6 days");
        aTask("running", "300 days", "running", null);
        aTask("open", "300 days", null, null);

        assertThat(await(tasks.purgeOld(A_WEEK, 10, 0))).isFalse();

        assertThat(left()).isEqualTo("late open running");
        assertThat(database.value("SELECT count(*) FROM task_attempts")).isEqualTo("2");
    }

    @Test
    void theOldestGoFirstAndNoMoreThanABiteAtOnce() {
        aTask("newer", "8 days", "succeeded", "8 days");
        aTask("a", "10 days", "succeeded", "8 days");
        aTask("b", "10 days", "succeeded", "8 days");
        aTask("old and open", "20 days", null, null);

        assertThat(await(tasks.purgeOld(A_WEEK, 2, 0))).isTrue();

        assertThat(left()).isEqualTo("newer old and open");
    }

    @Test
    void whatAnOpenTaskIsToBeGivenTheOutputOfStays() {
        aTask("first", "9 days", "succeeded", "8 days");
        aTask("second", "8 days", null, null);
        aTask("third", "8 days", "succeeded", "8 days");
        edge("second", "first");
        edge("third", "first");

        await(tasks.purgeOld(A_WEEK, 10, 0));
        assertThat(left()).isEqualTo("first second");

        database.value("INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)"
                + " SELECT id, 1, 1, 'succeeded', 'succeeded', now() - interval '8 days'"
                + " FROM task_instances WHERE name = 'second' RETURNING task_id");
        await(tasks.purgeOld(A_WEEK, 10, 0));
        assertThat(left()).isEmpty();
    }

    @Test
    void whoNoLongerLeadsDeletesNothing() {
        aTask("old", "9 days", "succeeded", "8 days");

        assertThatThrownBy(() -> await(tasks.purgeOld(A_WEEK, 3, 1))).hasMessageContaining("epoch 1 is over");

        assertThat(left()).isEqualTo("old");
    }

    private String left() {
        return database.value("SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM task_instances");
    }

    private void edge(String dependent, String prerequisite) {
        database.value("""
                INSERT INTO task_dependencies (dependent_id, prerequisite_id)
                SELECT d.id, p.id FROM task_instances d, task_instances p WHERE d.name = '%s' AND p.name = '%s'
                RETURNING id
                """.formatted(dependent, prerequisite));
    }

    /** As a task stands that came in and ended then; {@code state} null: it has not begun. */
    private void aTask(String name, String created, String state, String ended) {
        database.value("""
                INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, name, definition, source, depth)
                SELECT single_id(rpad(lpad(to_hex(floor(extract(epoch FROM now() - interval '%s') * 1000)::bigint), 12, '0')
                           || '7' || substr(md5(random()::text), 1, 11), 32, '0')::uuid, 1),
                       1, 0, 'default', 5, now() - interval '%s', '%s', '{}', 'human', 0
                RETURNING id
                """.formatted(created, created, name));
        if (state != null) {
            database.value("""
                    INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)
                    SELECT id, 1, 1, %s, '%s', %s FROM task_instances WHERE name = '%s' RETURNING task_id
                    """.formatted(
                            ended == null ? "NULL" : "'" + state + "'",
                            state,
                            ended == null ? "NULL" : "now() - interval '" + ended + "'",
                            name));
        }
    }
}
