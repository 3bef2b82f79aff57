package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.task.CalculatedPriority;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What waits hands its urgency down, at the edges of what that may cost, and beside others who do the same. */
class HandDownIT {

    private TestDatabase database;
    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = connect();
        run(connection, """
                CREATE FUNCTION id_of(n int) RETURNS uuid LANGUAGE sql IMMUTABLE
                RETURN overlay('01990000-0000-7000-8000-000080000000' PLACING to_hex(2147483648 + n) FROM 29)::uuid
                """);
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @Test
    void aChainHandsDownToItsEndAndTakesBackWhatItGave() throws SQLException {
        insert("SELECT n, 5, n - 1 FROM generate_series(1, 11) n", "SELECT n, n - 1 FROM generate_series(2, 11) n");
        handDown("SELECT n FROM generate_series(1, 11) n");
        assertThat(priorities(1, 11)).isEqualTo("6.15,6.15,6.15,6.15,6.15,6.15,6.15,6.15,6.15,6.15,6");

        run(connection, "UPDATE task_instances SET own_priority = 9 WHERE id = id_of(11)");
        assertThat(handDown("SELECT 11")).isEqualTo("t");
        assertThat(priorities(1, 11)).isEqualTo("10".concat(",10".repeat(10)));
        assertThat(value("SELECT calculated_priority FROM task_instances WHERE id = id_of(1)"))
                .isEqualTo("5.25");

        run(connection, "UPDATE task_instances SET own_priority = 0 WHERE id = id_of(11)");
        handDown("SELECT 11");
        assertThat(priorities(1, 11)).isEqualTo("6.15,6.15,6.15,6.15,6.15,6.15,6.15,6.15,6.15,6.15,1");
    }

    @Test
    void aDeadlineIsHandedDownLessTheEstimateAndMovesWhoStandsReady() throws SQLException {
        insert("SELECT n, 5, n - 1 FROM generate_series(1, 3) n", "SELECT n, n - 1 FROM generate_series(2, 3) n");
        run(connection, """
                UPDATE task_instances SET deadline = created_at + interval '70 s', estimate_ms = 60000
                WHERE id = id_of(3)
                """);

        handDown("SELECT 3");

        assertThat(value("SELECT r.latest_start - i.created_at FROM task_ready r JOIN task_instances i USING (id)"))
                .isEqualTo("00:00:10");
        assertThat(value("SELECT bool_and(w.must_start_by = i.created_at + interval '10 s')"
                        + " FROM task_wait w JOIN task_instances i USING (id)"))
                .isEqualTo("t");

        run(connection, "UPDATE task_instances SET deadline = NULL WHERE id = id_of(3)");
        handDown("SELECT 3");

        assertThat(value("SELECT count(*) FROM task_instances WHERE must_start_by IS NOT NULL"))
                .isEqualTo("0");
        assertThat(value("SELECT count(*) FROM task_wait WHERE must_start_by IS NOT NULL"))
                .isEqualTo("0");
        assertThat(value("SELECT latest_start - ready_at FROM task_ready WHERE id = id_of(1)"))
                .isEqualTo("00:02:19.5");
    }

    @Test
    void whoIsClaimedOrEndedIsLeftWhereItIs() throws SQLException {
        insert("SELECT n, 5, n - 1 FROM generate_series(1, 2) n", "SELECT 2, 1");
        run(connection, "DELETE FROM task_ready");
        run(connection, "UPDATE task_instances SET own_priority = 9 WHERE id = id_of(2)");

        assertThat(handDown("SELECT 2")).isEqualTo("t");

        assertThat(priorities(1, 2)).isEqualTo("9.1,9.1");
        assertThat(value("SELECT count(*) FROM task_ready")).isEqualTo("0");
    }

    @Test
    void theSourceWeighs() throws SQLException {
        run(connection, "INSERT INTO source_weights VALUES ('human', -1.5)");
        insert("SELECT 1, 5, 0", "SELECT 1, 1 WHERE false");

        handDown("SELECT 1");

        assertThat(priorities(1, 1)).isEqualTo("3.5");
        assertThat(value("SELECT latest_start - ready_at FROM task_ready")).isEqualTo("00:03:15");
        assertThat(value("SELECT calculated_priority(9::smallint, 0::smallint, 0, 'human'::task_source)"))
                .isEqualTo("7.5");
        assertThat(value("SELECT calculated_priority(9::smallint, 0::smallint, 0, 'api'::task_source)"))
                .isEqualTo("9");
    }

    /** One waits for 1,200, by way of 24: no more than 1,000 of these are changed, and it is said. */
    @Test
    void aCallChangesNoMoreThanAThousandBeyondThoseGiven() throws SQLException {
        insert(
                "SELECT n, 5, CASE WHEN n <= 1200 THEN 0 WHEN n <= 1224 THEN 1 ELSE 2 END FROM generate_series(1, 1225) n",
                "SELECT 1201 + (n - 1) / 50, n FROM generate_series(1, 1200) n"
                        + " UNION ALL SELECT 1225, n FROM generate_series(1201, 1224) n");
        assertThat(handDown("SELECT n FROM generate_series(1, 1225) n")).isEqualTo("t");
        run(connection, "UPDATE task_instances SET own_priority = 9 WHERE id = id_of(1225)");

        assertThat(handDown("SELECT 1225")).isEqualTo("f");

        assertThat(raised(1, 1200)).isEqualTo("976");
        assertThat(raised(1201, 1224)).isEqualTo("24");
        handDown("SELECT n FROM generate_series(1201, 1212) n UNION ALL SELECT n FROM generate_series(1, 1200) n");
        assertThat(raised(1, 1200)).isEqualTo("1200");
    }

    @Test
    void whereTooManyWaitForOneItRisesButDoesNotSink() throws SQLException {
        insert(
                "SELECT n, 5, CASE WHEN n <= 2 THEN n - 1 ELSE 2 END FROM generate_series(1, 10105) n",
                "SELECT 2, 1 UNION ALL SELECT n, 2 FROM generate_series(3, 10105) n");
        run(connection, "UPDATE task_instances SET own_priority = 8 WHERE id = id_of(10105)");
        handDown("SELECT n FROM generate_series(1, 10105) n");
        assertThat(priorities(1, 2)).isEqualTo("8.2,8.2");
        assertThat(value("SELECT calculated_priority FROM task_instances WHERE id = id_of(2)"))
                .isEqualTo(plain(CalculatedPriority.of(5, 1, 1_000, 0)));

        // The oldest of those that wait is not among the newest 10,000.
        run(connection, "UPDATE task_instances SET own_priority = 9 WHERE id = id_of(3)");
        handDown("SELECT 3");
        assertThat(priorities(1, 2)).isEqualTo("9.2,9.2");

        run(connection, "UPDATE task_instances SET own_priority = 1 WHERE id = id_of(3)");
        handDown("SELECT 3");
        assertThat(priorities(1, 3)).isEqualTo("9.2,9.2,1.2");
    }

    /** Each has not committed what the other one would have to see: the second waits, and sees. */
    @Test
    void twoWhoHandDownToOneDoNotMissEachOther() throws Exception {
        insert(
                "SELECT 1, 5, 0 UNION ALL SELECT n, 5, 1 FROM generate_series(2, 3) n",
                "SELECT n, 1 FROM generate_series(2, 3) n");
        handDown("SELECT n FROM generate_series(1, 3) n");
        try (var first = connect();
                var second = connect()) {
            first.setAutoCommit(false);
            run(first, "UPDATE task_instances SET own_priority = 8 WHERE id = id_of(2)");
            run(first, "SELECT hand_down(ARRAY[id_of(2)])");
            var other = CompletableFuture.runAsync(() -> {
                try {
                    run(second, """
                            UPDATE task_instances SET deadline = '2026-01-01' WHERE id = id_of(3)
                            """);
                    run(second, "SELECT hand_down(ARRAY[id_of(3)])");
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
            awaitWaiting();

            first.commit();

            other.get(30, TimeUnit.SECONDS);
        }
        assertThat(priorities(1, 1)).isEqualTo("8.1");
        assertThat(value("SELECT must_start_by::date FROM task_instances WHERE id = id_of(1)"))
                .isEqualTo("2026-01-01");
        assertThat(value("SELECT latest_start = ready_at FROM task_ready WHERE id = id_of(1)"))
                .isEqualTo("t");
    }

    private void awaitWaiting() throws SQLException {
        var limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (value("SELECT count(*) FROM pg_locks WHERE NOT granted").equals("0")) {
            assertThat(System.nanoTime()).as("the second one does not wait").isLessThan(limit);
        }
    }

    /** Rows as a submission leaves them, but for what follows from the edges; tasks are number, priority and depth. */
    private void insert(String tasks, String edges) throws SQLException {
        run(connection, """
                INSERT INTO task_instances (id, tenant_id, version_id, queue, priority, created_at, own_priority,
                                            calculated_priority, depth, source)
                SELECT id_of(t.n), 1, 0, 'default', t.priority, now(), t.priority, t.priority, t.depth, 'human'
                FROM (%s) t(n, priority, depth)
                """.formatted(tasks));
        run(connection, """
                INSERT INTO task_dependencies (dependent_id, prerequisite_id)
                SELECT id_of(e.dependent), id_of(e.prerequisite) FROM (%s) e(dependent, prerequisite)
                """.formatted(edges));
        run(connection, """
                INSERT INTO task_wait (id, version_id, unmet, queue, priority)
                SELECT i.id, 0, count(*), 'default', i.priority
                FROM task_instances i JOIN task_dependencies d ON d.dependent_id = i.id GROUP BY i.id
                """);
        run(connection, """
                INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)
                SELECT i.id, 'default', latest_start(now(), i.priority, NULL), 0, now()
                FROM task_instances i WHERE NOT EXISTS (SELECT FROM task_wait w WHERE w.id = i.id)
                """);
    }

    private String handDown(String numbers) throws SQLException {
        return value("SELECT hand_down(ARRAY(SELECT id_of(t.n) FROM (" + numbers + ") t(n)))");
    }

    /** The effective ones, and those that wait have them too. */
    private String priorities(int from, int to) throws SQLException {
        var range = "BETWEEN id_of(" + from + ") AND id_of(" + to + ")";
        assertThat(value("SELECT count(*) FROM task_wait w JOIN task_instances i USING (id)"
                        + " WHERE w.priority <> i.priority AND id " + range))
                .isEqualTo("0");
        return value("SELECT string_agg(priority::text, ',' ORDER BY id) FROM task_instances WHERE id " + range);
    }

    private String raised(int from, int to) throws SQLException {
        return value("SELECT count(*) FROM task_instances WHERE priority > 9 AND id BETWEEN id_of(" + from
                + ") AND id_of(" + to + ")");
    }

    private static String plain(float value) {
        return Float.toString(value);
    }

    private Connection connect() throws SQLException {
        var made = database.connect();
        for (var setting : new String[] {"plan_cache_mode = force_generic_plan", "enable_seqscan = off", "jit = off"}) {
            run(made, "SET " + setting);
        }
        return made;
    }

    private String value(String sql) throws SQLException {
        try (var query = connection.createStatement();
                var rows = query.executeQuery(sql)) {
            rows.next();
            return String.valueOf(rows.getString(1));
        }
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
