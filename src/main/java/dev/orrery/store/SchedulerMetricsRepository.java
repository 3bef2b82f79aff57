package dev.orrery.store;

import dev.orrery.domain.Json;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.Optional;

/** How the scheduling of jobs does, all of them together. */
public final class SchedulerMetricsRepository {

    // language=PostgreSQL
    static final String METRICS = """
            SELECT (SELECT coalesce(json_agg(json_build_object('status', c.status, 'type', c.type, 'count', c.count)
                                             ORDER BY c.status, c.type), '[]')::text
                    FROM (SELECT j.status, j.type, count(*) FROM jobs j
                          WHERE j.tenant_id = $1 AND j.deleted_at IS NULL GROUP BY j.status, j.type) c) AS jobs,
                   (SELECT count(*) FROM (
                        SELECT FROM job_timers t JOIN jobs j ON j.id = t.job_id AND j.tenant_id = $1
                        WHERE t.due_at <= statement_timestamp() AND NOT t.is_paused LIMIT 100000) o) AS overdue,
                   e.*
            FROM (
                SELECT count(*) AS executions,
                       count(*) FILTER (WHERE x.outcome = 'success') AS successes,
                       count(*) FILTER (WHERE x.outcome IN ('failed', 'timeout')) AS failures,
                       count(*) FILTER (WHERE x.outcome = 'cancelled') AS cancellations,
                       count(*) FILTER (WHERE x.outcome IS NULL) AS open,
                       (avg(extract(epoch FROM x.created_at - x.scheduled_at)) FILTER (WHERE x.cause = 'schedule') * 1000)::float8
                           AS average_lag_ms,
                       (max(extract(epoch FROM x.created_at - x.scheduled_at)) FILTER (WHERE x.cause = 'schedule') * 1000)::float8
                           AS worst_lag_ms
                FROM job_executions x
                WHERE x.tenant_id = $1
                  AND x.scheduled_at >= statement_timestamp() - $2::bigint * interval '1 millisecond'
            ) e
            """;

    // language=PostgreSQL
    static final String GET_LATENESS = """
            SELECT l.node_id IS NOT NULL AS is_led,
                   coalesce((SELECT greatest(0, extract(epoch FROM statement_timestamp() - t.due_at) * 1000)
                             FROM job_timers t
                             WHERE NOT t.is_paused AND t.due_at < 'infinity' ORDER BY t.due_at LIMIT 1), 0)::bigint AS late_ms
            FROM leadership l
            """;

    private final Sql sql;

    public SchedulerMetricsRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * How the scheduler does.
     *
     * @param jobs how many jobs there are, as a JSON array of status, type and count
     * @param overdue jobs whose due time has not fired yet; at most 100,000 are counted
     * @param executions of the window, as all that follows
     * @param averageLagMillis from the due time to the execution's creation
     */
    public record SchedulerMetrics(
            Json jobs,
            long overdue,
            long executions,
            long successes,
            long failures,
            long cancellations,
            long open,
            Optional<Double> averageLagMillis,
            Optional<Double> worstLagMillis) {}

    public Future<SchedulerMetrics> metrics(TenantId tenant, Duration window) {
        return sql.run(METRICS, Tuple.of(tenant.value(), window.toMillis())).map(rows -> {
            var row = rows.iterator().next();
            return new SchedulerMetrics(
                    new Json(row.getString("jobs")),
                    row.getLong("overdue"),
                    row.getLong("executions"),
                    row.getLong("successes"),
                    row.getLong("failures"),
                    row.getLong("cancellations"),
                    row.getLong("open"),
                    Optional.ofNullable(row.getDouble("average_lag_ms")),
                    Optional.ofNullable(row.getDouble("worst_lag_ms")));
        });
    }

    /**
     * How the firing of jobs is, those of all tenants.
     *
     * @param isLed whether somebody fires them
     * @param late how long the one that waits longest is over its time
     */
    public record Lateness(boolean isLed, Duration late) {}

    public Future<Lateness> lateness() {
        return sql.run(GET_LATENESS, Tuple.tuple()).map(rows -> {
            var row = rows.iterator().next();
            return new Lateness(row.getBoolean("is_led"), Duration.ofMillis(row.getLong("late_ms")));
        });
    }
}
