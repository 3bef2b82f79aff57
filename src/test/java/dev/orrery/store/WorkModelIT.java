package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Postgres;
import dev.orrery.testing.Seeded;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Nothing is lost, doubled or stuck, whatever a few nodes and their users do: seeded histories against the database. */
class WorkModelIT {

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void theRowsAgreeAfterEveryStep() throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            play(database, 5, 1, 80, 80);
        }
    }

    @Test
    void theRowsAgreeWhileManyCallsAreUnderWay() throws SQLException {
        try (var database = Postgres.freshDatabase()) {
            play(database, 5, 12, 300, 20);
        }
    }

    @Test
    void theRowsAgreeOnTheOldestSupportedServer() throws SQLException {
        try (var database = Postgres.debian15().fresh()) {
            play(database, 2, 12, 300, 10);
        }
    }

    private void play(TestDatabase database, int cases, int width, int steps, int looks) throws SQLException {
        var pool = hotPool(database, 12);
        try (var looking = database.connect()) {
            Seeded.forAll(cases, random -> playOne(database, pool, looking, random, width, steps, looks));
        }
        // Told by connections that have ended: no two of all those calls have waited for each other.
        await(pool.close());
        assertThat(database.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
                .isEqualTo("0");
    }

    private void playOne(
            TestDatabase database,
            Pool pool,
            Connection looking,
            RandomGenerator random,
            int width,
            int steps,
            int looks) {
        try {
            empty(database);
            new WorkModel(vertx, database, new WorkRepository(vertx, pool), random, width).play(steps, looks, looking);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private Pool hotPool(TestDatabase database, int connections) {
        return PgBuilder.pool()
                .with(new PoolOptions().setMaxSize(connections))
                .connectingTo(Pools.hot(database.connectOptions()))
                .using(vertx)
                .build();
    }

    private static void empty(TestDatabase database) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute("""
                    TRUNCATE dags, dag_versions, dag_tasks, dag_edges, dag_runs, run_params, task_instances, task_wait,
                        task_ready, claim_batches, task_timers, task_attempts, task_outputs, dead_letters, task_events,
                        cancel_requests, nodes, locks, lock_waits CASCADE
                    """);
        }
    }
}
