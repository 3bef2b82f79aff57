package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.service.OldTasks;
import dev.orrery.store.SingleTaskRepository.Mark;
import dev.orrery.store.SingleTaskRepository.Purged;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
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

        assertThat(purge()).isEqualTo(3);

        assertThat(left()).isEqualTo("late open running");
        assertThat(database.value("SELECT count(*) FROM task_attempts")).isEqualTo("2");
    }

    @Test
    void theOldestGoFirstAndNoMoreThanABiteAtOnce() {
        aTask("newer", "8 days", "succeeded", "8 days");
        aTask("a", "10 days", "succeeded", "8 days");
        aTask("b", "10 days", "succeeded", "8 days");
        aTask("old and open", "20 days", null, null);

        var first = await(tasks.purgeOld(A_WEEK, 3, Mark.START, 0));

        assertThat(left()).isEqualTo("newer old and open");
        assertThat(first.left()).isEqualTo(1);
        var second = await(tasks.purgeOld(A_WEEK, 3, first.next().orElseThrow(), 0));
        assertThat(left()).isEqualTo("old and open");
        assertThat(second.left()).isZero();
        assertThat(await(tasks.purgeOld(A_WEEK, 3, second.next().orElseThrow(), 0)))
                .isEqualTo(new Purged(Optional.empty(), 0));
    }

    @Test
    void whatHasLongBeenOpenKeepsNothingElseFromBeingDeleted() throws SQLException {
        run("""
                INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, name, definition, source, depth)
                SELECT single_id(('01000000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-000000000000')::uuid, 1),
                       1, 0, 'default', 5, now(), 'open', '{}', 'human', 0
                FROM generate_series(1, 20000) n
                """);
        aTask("ended", "8 days", "succeeded", "8 days");
        aTask("of a tenant", "8 days", "succeeded", "8 days");
        database.value("INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (7, 'other') RETURNING id");
        database.value("UPDATE task_instances SET tenant_id = 7 WHERE name = 'of a tenant' RETURNING id");
        var old = new OldTasks(tasks, A_WEEK);

        var bites = 0;
        while (await(old.purge(0))) {
            bites++;
        }

        assertThat(bites).isBetween(20, 23);
        assertThat(database.value("SELECT count(*) FROM task_instances WHERE name <> 'open'"))
                .isEqualTo("0");
        assertThat(await(old.purge(0))).as("a round begins anew").isTrue();
    }

    /** A round that first deleted all of one tenant's would never come to the others where that one has new ones all the time. */
    @Test
    void aTenantWithMuchToDeleteDoesNotKeepOthersWaiting() throws SQLException {
        manyThatEnded(700);
        aTask("of a tenant", "8 days", "succeeded", "8 days");
        database.value("INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (7, 'other') RETURNING id");
        database.value("UPDATE task_instances SET tenant_id = 7 WHERE name = 'of a tenant' RETURNING id");
        var old = new OldTasks(tasks, A_WEEK, 10);

        for (var bites = 0; bites < 51; bites++) {
            assertThat(await(old.purge(0))).isTrue();
        }
        assertThat(database.value("SELECT count(*) || ' ' || min(tenant_id) || max(tenant_id) FROM task_instances"))
                .isEqualTo("200 11");

        var bites = 0;
        while (await(old.purge(0)) && bites < 1_000) {
            bites++;
        }
        assertThat(left()).isEmpty();
    }

    /** As if each had very much that goes with it. */
    @Test
    void whereTasksTakeLongToDeleteACallDeletesFewer() throws SQLException {
        manyThatEnded(50);
        run(
                "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.1); RETURN OLD; END$$");
        run("CREATE TRIGGER dawdling BEFORE DELETE ON task_instances FOR EACH ROW EXECUTE FUNCTION dawdle()");

        var first = await(tasks.purgeOld(A_WEEK, 50, Mark.START, 0));

        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("30");
        assertThat(first.left()).isZero();
        await(tasks.purgeOld(A_WEEK, 50, first.next().orElseThrow(), 0));
        assertThat(database.value("SELECT count(*) FROM task_instances")).isEqualTo("10");
    }

    private void manyThatEnded(int count) throws SQLException {
        run("""
                INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, name, definition, source, depth)
                SELECT single_id(('01000000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-000000000000')::uuid, 1),
                       1, 0, 'default', 5, now(), 'ended', '{}', 'human', 0
                FROM generate_series(1, %d) n;
                INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)
                SELECT i.id, 1, 1, 'succeeded', 'succeeded', now() - interval '8 days' FROM task_instances i
                """.formatted(count));
    }

    @Test
    void whatAnOpenTaskIsToBeGivenTheOutputOfStays() {
        aTask("first", "9 days", "succeeded", "8 days");
        aTask("second", "8 days", null, null);
        aTask("third", "8 days", "succeeded", "8 days");
        edge("second", "first");
        edge("third", "first");

        purge();
        assertThat(left()).isEqualTo("first second");

        database.value("INSERT INTO task_attempts (task_id, attempt, fence, outcome, state, finished_at)"
                + " SELECT id, 1, 1, 'succeeded', 'succeeded', now() - interval '8 days'"
                + " FROM task_instances WHERE name = 'second' RETURNING task_id");
        purge();
        assertThat(left()).isEmpty();
    }

    @Test
    void whoNoLongerLeadsDeletesNothing() {
        aTask("old", "9 days", "succeeded", "8 days");

        assertThatThrownBy(() -> await(tasks.purgeOld(A_WEEK, 3, Mark.START, 1)))
                .hasMessageContaining("epoch 1 is over");

        assertThat(left()).isEqualTo("old");
    }

    /** A whole round; how many tasks stay that are old enough. */
    private int purge() {
        var left = 0;
        var next = Optional.of(Mark.START);
        while (next.isPresent()) {
            var purged = await(tasks.purgeOld(A_WEEK, 10, next.get(), 0));
            left += purged.left();
            next = purged.next();
        }
        return left;
    }

    private void run(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
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
