package dev.orrery.store;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.RunState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** What traces tell of runs that are over. */
public final class TraceRepository {

    // language=PostgreSQL
    static final String FIND_ENDED = """
            SELECT r.id, r.state, r.trigger, r.created_at, r.completed_at, d.name AS dag_name, r.dag_version AS version, x.traceparent
            FROM unnest($1::uuid[]) u(id)
            CROSS JOIN LATERAL (
                SELECT y.id, y.state::text, y.triggered_by::text AS trigger, y.created_at, y.completed_at, y.dag_id, y.dag_version
                FROM dag_runs y WHERE y.id = u.id AND y.completed_at IS NOT NULL OFFSET 0) r
            JOIN dags d ON d.id = r.dag_id
            LEFT JOIN LATERAL (SELECT z.traceparent FROM run_traces z WHERE z.run_id = r.id OFFSET 0) x ON true
            """;

    private final Sql sql;

    public TraceRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * A run that is over.
     *
     * @param given the trace it was given
     */
    public record EndedRun(
            RunId id,
            RunState state,
            String trigger,
            String dagName,
            int dagVersion,
            Instant createdAt,
            Instant completedAt,
            Optional<TraceContext> given) {}

    /** Those of these runs that are over. */
    public Future<List<EndedRun>> ended(Collection<RunId> runs) {
        var ids = runs.stream().map(RunId::value).toArray(UUID[]::new);
        return sql.run(FIND_ENDED, Tuple.tuple().addValue(ids))
                .map(rows -> Rows.list(
                        rows,
                        row -> new EndedRun(
                                new RunId(row.getUUID("id")),
                                RunState.ofWireName(row.getString("state")),
                                row.getString("trigger"),
                                row.getString("dag_name"),
                                row.getInteger("version"),
                                Rows.time(row, "created_at"),
                                Rows.time(row, "completed_at"),
                                Rows.trace(row, "traceparent"))));
    }
}
