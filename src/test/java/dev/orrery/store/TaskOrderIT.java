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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The most urgent task that can run runs next: seeded histories against the database. */
class TaskOrderIT {

    private static final String TABLES = "dag_runs, task_instances, task_dependencies, task_wait, task_ready,"
            + " claim_batches, task_timers, task_attempts, task_outputs, dead_letters, task_events, unique_keys,"
            + " cancel_requests, nodes, locks, lock_waits";

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pool pool;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pool = PgBuilder.pool()
                .with(new PoolOptions().setMaxSize(8))
                .connectingTo(Pools.hot(database.connectOptions()))
                .using(vertx)
                .build();
    }

    @AfterEach
    void close() {
        await(vertx.close());
        database.close();
    }

    @Test
    void urgencyAndOrderAreThoseOfTheModelAfterEveryStep() throws SQLException {
        try (var looking = database.connect()) {
            Seeded.forAll(10, random -> {
                try {
                    empty(looking);
                    new OrderHistory(vertx, database, pool, looking, random).play(80);
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
    }

    /** No call waits for another one in a circle, either. */
    @Test
    void theyAreRightAlsoWhereAllComesAtOnce() throws SQLException {
        try (var looking = database.connect()) {
            Seeded.forAll(4, random -> {
                try {
                    empty(looking);
                    new TaskRush(vertx, database, pool, looking, random).play(15, 24);
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
        await(pool.close());
        assertThat(database.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
                .isEqualTo("0");
    }

    private static void empty(Connection connection) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute("TRUNCATE " + TABLES + " CASCADE");
        }
    }
}
