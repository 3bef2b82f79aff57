package dev.orrery.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What a node asks the database about itself. */
public final class HealthRepository {

    // language=PostgreSQL
    static final String PING = "SELECT 1";

    // Queues that are paused or limited are left out: what is ready there may have to wait. So is what needs a lock or
    // counts against a limit. Of tasks of runs their latest start tells when they became ready.
    // language=PostgreSQL
    static final String FIND_LEFT_READY = """
            WITH served AS MATERIALIZED (
                SELECT array_agg(q.name) AS names
                FROM (SELECT x.name FROM queues x
                      LEFT JOIN limits y ON y.tenant_id = 1 AND y.kind = 'queue' AND y.name = x.name
                      WHERE (cardinality($1::text[]) = 0 OR x.name = ANY ($1::text[])) AND y.id IS NULL
                      ORDER BY x.name LIMIT 100) q
            )
            SELECT h.queue, h.id::text AS id,
                   (extract(epoch FROM clock_timestamp() - s.since) * 1000)::bigint AS age_ms
            FROM (SELECT x.queue, x.id, x.ready_at, x.latest_start
                  FROM served v
                  CROSS JOIN LATERAL ready_places(v.names) p
                  CROSS JOIN LATERAL (
                      SELECT y.* FROM task_ready y
                      WHERE y.generation = p.generation AND y.queue = p.queue AND y.latest_start >= p.starts_from
                      ORDER BY y.latest_start, y.id LIMIT 5) x
                  WHERE x.has_locks IS NOT TRUE) h
            CROSS JOIN LATERAL (SELECT y.created_at, y.priority FROM task_instances y WHERE y.id = h.id OFFSET 0) i
            CROSS JOIN LATERAL (
                SELECT coalesce(h.ready_at, greatest(
                    i.created_at,
                    h.latest_start - floor((10 - i.priority::float8) * 30000 + 0.5) * interval '1 millisecond')) AS since) s
            ORDER BY s.since
            LIMIT 1
            """;

    private final Sql sql;

    public HealthRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * A task that nothing keeps from being claimed.
     *
     * @param readyFor how long it has been ready
     */
    public record LeftReady(String queue, String id, Duration readyFor) {}

    /** Succeeds when the database answers. */
    public Future<Void> ping() {
        return sql.runOnce(PING, Tuple.tuple()).mapEmpty();
    }

    /** Of these queues, or of all where none are named, the task that is ready longest and could be claimed. */
    public Future<Optional<LeftReady>> leftReady(List<String> queues) {
        return sql.runOnce(FIND_LEFT_READY, Tuple.of(queues.toArray(String[]::new)))
                .map(rows -> {
                    for (var row : rows) {
                        return Optional.of(new LeftReady(
                                row.getString("queue"), row.getString("id"), Duration.ofMillis(row.getLong("age_ms"))));
                    }
                    return Optional.empty();
                });
    }
}
