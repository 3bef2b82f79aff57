package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.task.Rate;
import dev.orrery.store.MetricsRepository.QueueNumbers;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MetricsRepositoryIT {

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Pool pool;
    private MetricsRepository metrics;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pool = Pools.watching(vertx, database.connectOptions(), Duration.ofSeconds(2));
        metrics = new MetricsRepository(vertx, pool);
    }

    @AfterEach
    void close() {
        await(pool.close());
        await(vertx.close());
        database.close();
    }

    @Test
    void tasksAreCountedByHowTheyStand() throws SQLException {
        ready("default", 3, "0 s");
        execute("INSERT INTO task_timers (ref, kind, due_at, attempt, failures)"
                + " VALUES (gen_random_uuid(), 'retry', now(), 1, 1)");
        execute("INSERT INTO claim_batches (fence, node_id, open_count, ids, attempts, failures)"
                + " VALUES (1, gen_random_uuid(), 2, ARRAY[gen_random_uuid(), gen_random_uuid()], '{1,1}', '{0,0}')");
        execute("INSERT INTO dead_letters (task_id, attempt, tenant_id, outcome, state, resolved_at)"
                + " VALUES (gen_random_uuid(), 1, 1, 'failed', 'open', NULL),"
                + " (gen_random_uuid(), 1, 1, 'failed', 'redriven', now())");

        var numbers = await(metrics.taskNumbers());

        assertThat(numbers.tasks())
                .containsOnly(
                        Map.entry("ready", 3L),
                        Map.entry("held", 0L),
                        Map.entry("blocked", 0L),
                        Map.entry("waiting", 1L),
                        Map.entry("claimed", 2L));
        assertThat(numbers.deadLetters()).isEqualTo(1);
    }

    @Test
    void aLongQueueIsEstimatedAndNotRead() throws SQLException {
        ready("default", 60_000, "0 s");
        until(
                "the statistics know of them",
                () -> Long.parseLong(database.value("SELECT pg_stat_get_live_tuples('task_ready'::regclass)"))
                        >= 60_000);

        assertThat(await(metrics.taskNumbers()).tasks().get("ready")).isBetween(50_000L, 70_000L);
        assertThat(pages(MetricsRepository.COUNT_TASKS.replace("$1", "10000"))).isLessThan(100);
    }

    @Test
    void queuesAreCountedWithTheirSettings() throws SQLException {
        execute("SELECT set_queue('narrow', 1, 2, 30, 60000)");
        execute("SELECT set_queue('asleep', 1, NULL, NULL, NULL)");
        execute("SELECT pause_queue('asleep', true)");
        ready("narrow", 5, "40 s");
        ready("agent/1/mail", 2, "0 s");
        execute(
                "INSERT INTO limit_holders (task_id, limit_id, node_id) SELECT gen_random_uuid(), l.id, gen_random_uuid()"
                        + " FROM limits l WHERE l.name = 'narrow'");

        var queues =
                await(metrics.queueNumbers()).stream().collect(Collectors.toMap(QueueNumbers::name, queue -> queue));

        assertThat(queues).containsOnlyKeys("default", "narrow", "asleep", MetricsRepository.AGENTS);
        var narrow = queues.get("narrow");
        assertThat(narrow.ready()).isEqualTo(5);
        assertThat(narrow.oldest().orElseThrow()).isBetween(Duration.ofSeconds(40), Duration.ofSeconds(60));
        assertThat(narrow.running()).hasValue(1);
        assertThat(narrow.maxRunning()).hasValue(2);
        assertThat(narrow.rate()).contains(new Rate(30, Duration.ofSeconds(60)));
        assertThat(narrow.paused()).isFalse();
        assertThat(queues.get("asleep").paused()).isTrue();
        assertThat(queues.get("default").isSet()).isFalse();
        assertThat(queues.get(MetricsRepository.AGENTS).ready()).isEqualTo(2);
    }

    @Test
    void whenATaskOfARunBecameReadyIsToldByItsLatestStart() throws SQLException {
        execute("WITH task AS (INSERT INTO task_instances"
                + " (id, tenant_id, run_id, version_id, task_id, queue, priority, created_at)"
                + " VALUES (gen_random_uuid(), 1, gen_random_uuid(), 1, 'a', 'default', 5, now() - interval '1 hour')"
                + " RETURNING id) INSERT INTO task_ready (id, queue, latest_start, version_id)"
                + " SELECT id, 'default', latest_start(now() - interval '70 s', 5, NULL), 1 FROM task");

        assertThat(await(metrics.queueNumbers()).getFirst().oldest().orElseThrow())
                .isBetween(Duration.ofSeconds(70), Duration.ofSeconds(90));
    }

    @Test
    void onlySomeTasksOfALongQueueAreCounted() throws SQLException {
        execute("INSERT INTO queues (name) SELECT 'queue-' || n FROM generate_series(1, 150) n");
        ready("default", 20_000, "0 s");
        execute("VACUUM ANALYZE task_ready");

        var queues = await(metrics.queueNumbers());

        assertThat(queues).hasSize(101);
        assertThat(queues.stream().filter(queue -> queue.name().equals("default")))
                .singleElement()
                .satisfies(queue -> assertThat(queue.ready()).isEqualTo(1_001));
    }

    @Test
    void theOldestSnapshotIsToldUntilItIsGone() throws SQLException {
        try (var reader = database.connect();
                var statement = reader.createStatement()) {
            reader.setAutoCommit(false);
            statement.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            statement.executeQuery("SELECT 1").close();
            execute("CREATE TABLE changed ()");
            execute("DROP TABLE changed");
            until("it is some time old", () -> {
                var snapshot = await(metrics.oldestSnapshot());
                return snapshot.age().compareTo(Duration.ofMillis(300)) > 0 && snapshot.transactions() >= 2;
            });
            reader.rollback();
        }

        until("nothing is held", () -> await(metrics.oldestSnapshot()).age().isZero());
    }

    private void ready(String queue, int count, String since) throws SQLException {
        execute("WITH task AS (INSERT INTO task_instances"
                + " (id, tenant_id, run_id, version_id, task_id, queue, priority, created_at)"
                + " SELECT gen_random_uuid(), 1, gen_random_uuid(), 1, 'task', '" + queue + "', 5, now()"
                + " FROM generate_series(1, " + count + ") RETURNING id)"
                + " INSERT INTO task_ready (id, queue, latest_start, version_id, ready_at)"
                + " SELECT id, '" + queue + "', now() + interval '150 s' - interval '" + since + "', 0,"
                + " now() - interval '" + since + "' FROM task");
    }

    private long pages(String statement) throws SQLException {
        try (var connection = database.connect();
                var explain = connection.createStatement();
                var rows = explain.executeQuery("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement)) {
            rows.next();
            var plan = new io.vertx.core.json.JsonArray(rows.getString(1))
                    .getJsonObject(0)
                    .getJsonObject("Plan");
            return plan.getLong("Shared Hit Blocks") + plan.getLong("Shared Read Blocks");
        }
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
