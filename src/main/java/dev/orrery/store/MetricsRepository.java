package dev.orrery.store;

import dev.orrery.domain.task.Rate;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What metrics tell of the database: cheap however many tasks there are. Tables are counted up to a bound; what is more, or
 * stands among many dead rows, PostgreSQL estimates.
 */
public final class MetricsRepository {

    /** The name of the line of all tasks that remote workers' handlers do; no queue can be named so. */
    public static final String AGENTS = "(agents)";

    /** Up to so many rows of a table are counted one by one. */
    static final int COUNTED_ROWS = 10_000;

    private static final int QUEUES_MAX = 100;

    /** Ready tasks that are counted in all queues together. */
    private static final int COUNTED_READY = 100_000;

    // A table that has many rows is not read at all; nor is one of many dead ones, which would have to be passed. One
    // row of claims stands for many tasks: how many nobody knows then. Of dead letters an index knows which are open.
    // language=PostgreSQL
    static final String COUNT_TASKS = """
            SELECT c.state,
                   CASE WHEN c.state <> 'dead_letter' AND (c.live > $1 OR c.dead > 10 * $1) THEN CASE WHEN c.state <> 'claimed' THEN c.live END
                        WHEN c.state = 'ready' THEN (SELECT count(*) FROM (SELECT FROM task_ready LIMIT $1 + 1) x)
                        WHEN c.state = 'held' THEN (SELECT count(*) FROM (SELECT FROM lock_waits LIMIT $1 + 1) x)
                        WHEN c.state = 'blocked' THEN (SELECT count(*) FROM (SELECT FROM task_wait LIMIT $1 + 1) x)
                        WHEN c.state = 'waiting' THEN (SELECT count(*) FROM (SELECT FROM task_timers LIMIT $1 + 1) x)
                        WHEN c.state = 'claimed' THEN (SELECT coalesce(sum(x.open_count), 0)
                                                       FROM (SELECT b.open_count FROM claim_batches b LIMIT $1 + 1) x)
                        ELSE (SELECT count(*) FROM (
                                  SELECT FROM tenants t
                                  CROSS JOIN LATERAL (
                                      SELECT FROM dead_letters d
                                      WHERE d.tenant_id = t.id AND d.state = 'open' LIMIT $1 + 1) l
                                  LIMIT $1 + 1) x)
                   END::bigint AS count
            FROM (SELECT t.state, pg_stat_get_live_tuples(t.name::regclass) AS live,
                         pg_stat_get_dead_tuples(t.name::regclass) AS dead
                  FROM (VALUES ('ready', 'task_ready'), ('held', 'lock_waits'), ('blocked', 'task_wait'),
                               ('waiting', 'task_timers'), ('claimed', 'claim_batches'), ('dead_letter', 'dead_letters')
                       ) t(state, name)) c
            UNION ALL
            SELECT 'audit', coalesce((SELECT max(a.id) FROM audit_log a), 0)
            """;

    // The first in line have become ready at about the same time: none overtakes what became ready 300 s before it. Of
    // tasks of runs their latest start tells when, unless a deadline pulled it forward.
    // language=PostgreSQL
    static final String COUNT_QUEUES = """
            WITH named AS MATERIALIZED (
                SELECT q.*, $2::int / count(*) OVER () + 1 AS most
                FROM (SELECT x.name, y.id AS limit_id, y.max_running, y.rate_limit, y.rate_ms,
                             coalesce(y.is_paused, false) AS is_paused, y.id IS NOT NULL AS is_set
                      FROM queues x
                      LEFT JOIN limits y ON y.tenant_id = 1 AND y.kind = 'queue' AND y.name = x.name
                      ORDER BY y.id IS NULL, x.name <> 'default', x.name LIMIT $1::int) q
            )
            SELECT n.name, n.max_running, n.rate_limit, n.rate_ms, n.is_paused, n.is_set, r.ready,
                   (extract(epoch FROM clock_timestamp() - o.since) * 1000)::bigint AS oldest_ms,
                   CASE WHEN n.max_running IS NOT NULL THEN (
                       SELECT count(*) FROM (SELECT FROM limit_holders h WHERE h.limit_id = n.limit_id LIMIT n.most) h)
                   END::int AS running
            FROM named n
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(c.count), 0)::bigint AS ready
                FROM ready_places(ARRAY[n.name]) p
                CROSS JOIN LATERAL (
                    SELECT count(*) AS count
                    FROM (SELECT FROM task_ready x
                          WHERE x.generation = p.generation AND x.queue = n.name AND x.latest_start >= p.starts_from
                          LIMIT n.most) x
                ) c
            ) r
            LEFT JOIN LATERAL (
                SELECT min(coalesce(h.ready_at, greatest(
                           i.created_at,
                           h.latest_start - floor((10 - i.priority::float8) * 30000 + 0.5) * interval '1 millisecond'))) AS since
                FROM (SELECT x.id, x.ready_at, x.latest_start
                      FROM ready_places(ARRAY[n.name]) p
                      CROSS JOIN LATERAL (
                          SELECT x.id, x.ready_at, x.latest_start FROM task_ready x
                          WHERE x.generation = p.generation AND x.queue = n.name AND x.latest_start >= p.starts_from
                          ORDER BY x.latest_start, x.id LIMIT 10) x
                      ORDER BY x.latest_start, x.id LIMIT 10) h
                CROSS JOIN LATERAL (SELECT y.created_at, y.priority FROM task_instances y WHERE y.id = h.id OFFSET 0) i
            ) o ON true
            UNION ALL
            SELECT '(agents)', NULL, NULL, NULL, false, false, sum(c.count)::bigint,
                   (extract(epoch FROM clock_timestamp() - min(c.since)) * 1000)::bigint, NULL
            FROM (SELECT DISTINCT g.generation FROM ready_generations g) g
            CROSS JOIN LATERAL (
                SELECT count(*) AS count, min(x.ready_at) AS since
                FROM (SELECT x.ready_at FROM task_ready x
                      WHERE x.generation = g.generation AND x.queue >= 'agent/' AND x.queue < 'agent0'
                      LIMIT $2::int / 10) x
            ) c
            """;

    // Only sessions of this database, and those that belong to none, keep its rows from being removed; a vacuum does
    // not keep them.
    // language=PostgreSQL
    static final String GET_OLDEST_SNAPSHOT = """
            SELECT coalesce(greatest(0, extract(epoch FROM clock_timestamp() - min(s.since)) * 1000), 0)::bigint AS age_ms,
                   coalesce(max(s.transactions), 0)::bigint AS transactions,
                   (count(*) FILTER (WHERE s.since IS NULL))::int AS hidden
            FROM (
                SELECT a.xact_start AS since, greatest(age(a.backend_xmin), age(a.backend_xid)) AS transactions
                FROM pg_stat_activity a
                WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()
                  AND (a.datname = current_database() OR a.datname IS NULL)
                  AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
                UNION ALL
                SELECT p.prepared, age(p.transaction) FROM pg_prepared_xacts p WHERE p.database = current_database()
                UNION ALL
                SELECT NULL, age(r.xmin) FROM pg_replication_slots r WHERE r.xmin IS NOT NULL
            ) s
            """;

    private final Sql sql;

    /** {@code pool}: of connections whose statements are limited in time, and in nobody's way. */
    public MetricsRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * How many tasks stand how, of all tenants.
     *
     * @param tasks by {@code ready}, {@code held}, {@code blocked}, {@code waiting} and {@code claimed}; the last is absent
     *     where there are too many claims to count
     * @param deadLetters that are open, at most {@value #COUNTED_ROWS} and one more
     * @param lastAuditEntry the number of the newest entry of the audit log; 0 where there is none
     */
    public record TaskNumbers(Map<String, Long> tasks, long deadLetters, long lastAuditEntry) {}

    public Future<TaskNumbers> taskNumbers() {
        return sql.runOnce(COUNT_TASKS, Tuple.of(COUNTED_ROWS)).map(rows -> {
            var tasks = new LinkedHashMap<String, Long>();
            for (var row : rows) {
                var count = row.getLong("count");
                if (count != null) {
                    tasks.put(row.getString("state"), count);
                }
            }
            var deadLetters = tasks.remove("dead_letter");
            var lastAuditEntry = tasks.remove("audit");
            return new TaskNumbers(
                    tasks, deadLetters == null ? 0 : deadLetters, lastAuditEntry == null ? 0 : lastAuditEntry);
        });
    }

    /**
     * One line of ready tasks.
     *
     * @param ready how many are counted
     * @param oldest how long the one that is ready longest is; absent where none is
     * @param running how many are claimed, where that is limited and so counted
     * @param isSet whether anything is set for it
     */
    public record QueueNumbers(
            String name,
            long ready,
            Optional<Duration> oldest,
            OptionalInt running,
            OptionalInt maxRunning,
            Optional<Rate> rate,
            boolean paused,
            boolean isSet) {}

    /** At most a hundred queues, those for which something is set before others, and the line {@link #AGENTS}. */
    public Future<List<QueueNumbers>> queueNumbers() {
        return sql.runOnce(COUNT_QUEUES, Tuple.of(QUEUES_MAX, COUNTED_READY))
                .map(rows -> Rows.list(rows, MetricsRepository::queue));
    }

    private static QueueNumbers queue(Row row) {
        var oldest = row.getLong("oldest_ms");
        var ready = row.getLong("ready");
        var rate = row.getInteger("rate_limit");
        return new QueueNumbers(
                row.getString("name"),
                ready == null ? 0 : ready,
                Optional.ofNullable(oldest).map(millis -> Duration.ofMillis(Math.max(0, millis))),
                optional(row.getInteger("running")),
                optional(row.getInteger("max_running")),
                rate == null
                        ? Optional.empty()
                        : Optional.of(new Rate(rate, Duration.ofMillis(row.getLong("rate_ms")))),
                row.getBoolean("is_paused"),
                row.getBoolean("is_set"));
    }

    private static OptionalInt optional(@Nullable Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    /**
     * What keeps PostgreSQL from removing dead rows.
     *
     * @param age of the oldest transaction among those whose age the account may see; zero where there is none
     * @param transactions how many transactions began since the oldest snapshot
     * @param hidden how many snapshots there are whose age in time cannot be seen
     */
    public record OldestSnapshot(Duration age, long transactions, int hidden) {}

    public Future<OldestSnapshot> oldestSnapshot() {
        return sql.runOnce(GET_OLDEST_SNAPSHOT, Tuple.tuple()).map(rows -> {
            var row = rows.iterator().next();
            return new OldestSnapshot(
                    Duration.ofMillis(row.getLong("age_ms")), row.getLong("transactions"), row.getInteger("hidden"));
        });
    }
}
