package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Jobs that ended long ago and go, while somebody fires one of them once more. */
class EndedJobRacesIT {

    private static final int JOBS = 2_000;
    private static final int ROUNDS = 40;

    private final ExecutorService other = Executors.newSingleThreadExecutor();
    private TestDatabase database;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        var dag = Graphs.publish(database, Graphs.tasks("a"));
        try (var connection = database.connect()) {
            execute(connection, """
                    INSERT INTO jobs (id, tenant_id, dag_id, name, handler_name, type, run_at, timezone, status, completed_at)
                    SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 1, '%s', 'job ' || n, 'noop', 'one_time',
                           now(), 'UTC', 'completed', now() - interval '1 day' + n * interval '1 second'
                    FROM generate_series(1, %d) n
                    """.formatted(dag, JOBS));
        }
    }

    @AfterEach
    void close() {
        other.shutdownNow();
        database.close();
    }

    @Test
    void oneThatIsFiredMeanwhileStays()
            throws SQLException, InterruptedException, ExecutionException, TimeoutException {
        var random = new SplittableRandom(4711);
        try (var hiding = database.connect();
                var firing = database.connect()) {
            hiding.setAutoCommit(false);
            execute(firing, "SET lock_timeout = '20ms'");
            var took = Duration.ofMillis(100).toNanos();
            for (var round = 0; round < ROUNDS; round++) {
                var began = System.nanoTime();
                var hidden = other.submit(() -> execute(hiding, "SELECT hide_ended_jobs(now(), 10000)"));
                LockSupport.parkNanos(random.nextLong(took));
                fire(firing, JOBS - round);
                hidden.get(30, TimeUnit.SECONDS);
                took = System.nanoTime() - began;

                assertThat(lost(hiding)).as("round " + round).isEmpty();
                hiding.rollback();
            }
        }
    }

    /** The last that is come to; in vain where it is held already. */
    private static void fire(Connection connection, int job) {
        try {
            execute(
                    connection,
                    "SELECT trigger_job(1, '00000000-0000-7000-8000-%012d', gen_random_uuid(), now())".formatted(job));
        } catch (SQLException held) {
            assertThat(held.getSQLState()).isEqualTo("55P03");
        }
    }

    private static List<String> lost(Connection connection) throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT j.name FROM jobs j WHERE j.deleted_at IS NOT NULL"
                        + " AND EXISTS (SELECT FROM job_executions e WHERE e.job_id = j.id)")) {
            return rows.next() ? List.of(rows.getString(1)) : List.of();
        }
    }

    private static boolean execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            return statement.execute(sql);
        }
    }
}
