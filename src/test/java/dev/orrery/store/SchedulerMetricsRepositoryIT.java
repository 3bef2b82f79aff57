package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TenantId;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SchedulerMetricsRepositoryIT {

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pools pools;
    private SchedulerMetricsRepository metrics;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        metrics = new SchedulerMetricsRepository(vertx, pools.api());
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void theJobThatWaitsLongestIsToldAndWhetherAnybodyWouldFireIt() throws SQLException {
        assertThat(await(metrics.lateness())).isEqualTo(new SchedulerMetricsRepository.Lateness(false, Duration.ZERO));

        addJob(1, "now() - interval '40 seconds'", false);
        addJob(1, "now() - interval '10 seconds'", false);
        addJob(1, "now() - interval '1 hour'", true);
        execute("UPDATE leadership SET node_id = gen_random_uuid(), epoch = 1");

        var lateness = await(metrics.lateness());
        assertThat(lateness.isLed()).isTrue();
        assertThat(lateness.late()).isBetween(Duration.ofSeconds(40), Duration.ofSeconds(60));
    }

    @Test
    void whatIsNotDueOrNeverWillBeIsNotLate() throws SQLException {
        addJob(1, "now() + interval '1 hour'", false);
        addJob(1, "'infinity'", false);

        assertThat(await(metrics.lateness()).late()).isZero();
    }

    @Test
    void aTenantIsToldOfItsOwnJobsOnly() throws SQLException {
        execute("INSERT INTO tenants (name) VALUES ('other')");
        addJob(1, "now() - interval '40 seconds'", false);
        addJob(1, "now() - interval '40 seconds'", false);
        addJob(2, "now() - interval '40 seconds'", false);

        assertThat(overdue(1)).isEqualTo(2);
        assertThat(overdue(2)).isEqualTo(1);
    }

    private long overdue(int tenant) {
        return await(metrics.metrics(new TenantId(tenant), Duration.ofMinutes(5)))
                .overdue();
    }

    private void addJob(int tenant, String due, boolean isPaused) throws SQLException {
        execute(
                "WITH dag AS (INSERT INTO dags (id, tenant_id, name, definition, timezone, version, task_count, is_internal)"
                        + " VALUES (gen_random_uuid(), " + tenant
                        + ", gen_random_uuid()::text, '{}', 'UTC', 1, 1, true) RETURNING id),"
                        + " job AS (INSERT INTO jobs (id, tenant_id, dag_id, name, handler_name, schedule, timezone)"
                        + " SELECT gen_random_uuid(), " + tenant
                        + ", d.id, 'job', 'noop', '* * * * *', 'UTC' FROM dag d"
                        + " RETURNING id) INSERT INTO job_timers (job_id, due_at, is_planned, is_paused) SELECT j.id, "
                        + due
                        + ", true, " + isPaused + " FROM job j");
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
