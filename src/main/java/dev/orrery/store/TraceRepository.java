package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.RunState;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** What traces tell of runs and attempts that are over. */
public final class TraceRepository {

    // language=PostgreSQL
    static final String FIND_ENDED = """
            SELECT r.id, r.state, r.trigger, r.created_at, r.completed_at, d.name AS dag_name, r.dag_version AS version, x.traceparent
            FROM unnest($1::uuid[]) u(id)
            CROSS JOIN LATERAL (
                SELECT y.id, y.state::text, y.triggered_by::text AS trigger, y.created_at, y.completed_at, y.dag_id, y.dag_version
                FROM dag_runs y WHERE y.id = u.id AND y.completed_at IS NOT NULL AND y.is_traced IS NULL OFFSET 0) r
            JOIN dags d ON d.id = r.dag_id
            LEFT JOIN LATERAL (SELECT z.traceparent FROM run_traces z WHERE z.run_id = r.id OFFSET 0) x ON true
            """;

    // Rows are locked in the order in which commits lock them. Who waited for another one finds them marked.
    // language=PostgreSQL
    static final String MARK_TRACED = """
            WITH held AS MATERIALIZED (
                SELECT r.id
                FROM (SELECT DISTINCT n.id FROM unnest($1::uuid[]) n(id) ORDER BY n.id) u
                CROSS JOIN LATERAL (
                    SELECT y.id FROM dag_runs y
                    WHERE y.id = u.id AND y.completed_at IS NOT NULL AND y.is_traced IS NULL OFFSET 0 FOR NO KEY UPDATE) r
            )
            UPDATE dag_runs r SET is_traced = true
            WHERE r.id = ANY (ARRAY(SELECT h.id FROM held h)) AND r.is_traced IS NULL
            RETURNING r.id
            """;

    // language=PostgreSQL
    static final String FIND_ATTEMPTS = """
            SELECT a.task_id, a.attempt, a.fence, a.node_id, a.outcome, a.started_at, a.finished_at, a.error, i.queue,
                   t.name AS tenant, d.name AS dag_name, coalesce(g.task_id, i.task_id) AS task_key,
                   coalesce(g.name, i.name, i.task_id, i.id::text) AS task_name,
                   coalesce(g.type::text, i.definition->>'type', '') AS type, x.traceparent
            FROM unnest($1::uuid[], $2::bigint[]) u(id, fence)
            CROSS JOIN LATERAL (
                SELECT y.task_id, y.attempt, y.fence, y.node_id, y.outcome::text, y.started_at, y.finished_at, y.error
                FROM task_attempts y
                WHERE y.task_id = u.id AND y.fence = u.fence AND y.outcome IS NOT NULL AND y.started_at IS NOT NULL OFFSET 0) a
            CROSS JOIN LATERAL (SELECT y.* FROM task_instances y WHERE y.id = u.id OFFSET 0) i
            JOIN tenants t ON t.id = i.tenant_id
            LEFT JOIN LATERAL (SELECT y.dag_id FROM dag_runs y WHERE y.id = i.run_id OFFSET 0) r ON true
            LEFT JOIN dags d ON d.id = r.dag_id
            LEFT JOIN dag_tasks g ON g.version_id = i.version_id AND g.task_no = task_no_of(i.id)
            LEFT JOIN LATERAL (SELECT z.traceparent FROM run_traces z WHERE z.run_id = run_of(u.id) OFFSET 0) x ON true
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

    /** Those of these runs that are over and that nobody has recorded. */
    public Future<List<EndedRun>> ended(Collection<RunId> runs) {
        return sql.run(FIND_ENDED, ids(runs))
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

    private static Tuple ids(Collection<RunId> runs) {
        return Tuple.tuple().addValue(runs.stream().map(RunId::value).toArray(UUID[]::new));
    }

    /** The caller records these runs; answers those that nobody else has taken on. */
    public Future<Set<RunId>> mark(Collection<RunId> runs) {
        return sql.run(MARK_TRACED, ids(runs))
                .map(rows -> new HashSet<>(Rows.list(rows, row -> new RunId(row.getUUID("id")))));
    }

    /**
     * An attempt that is over, as the database tells it.
     *
     * @param outcome such as {@code lost}
     * @param dag the name of the DAG; absent for a single task
     * @param task the task's id in its DAG, else its own
     * @param given the trace its run was given
     */
    public record EndedAttempt(
            TaskInstanceId id,
            int attempt,
            long fence,
            Optional<NodeId> node,
            String outcome,
            Instant startedAt,
            Instant finishedAt,
            Optional<String> error,
            String tenant,
            Optional<String> dag,
            String task,
            String taskName,
            String type,
            String queue,
            Optional<TraceContext> given) {}

    /** The attempts under these claims that had begun and are over. */
    public Future<List<EndedAttempt>> attempts(Collection<Held> claims) {
        var ids = claims.stream().map(claim -> claim.id().value()).toArray(UUID[]::new);
        var fences = claims.stream().map(Held::fence).toArray(Long[]::new);
        return sql.run(FIND_ATTEMPTS, Tuple.tuple().addValue(ids).addValue(fences))
                .map(rows -> Rows.list(rows, TraceRepository::attempt));
    }

    private static EndedAttempt attempt(Row row) {
        var id = new TaskInstanceId(row.getUUID("task_id"));
        return new EndedAttempt(
                id,
                row.getShort("attempt"),
                row.getLong("fence"),
                Optional.ofNullable(row.getUUID("node_id")).map(NodeId::new),
                row.getString("outcome"),
                Rows.time(row, "started_at"),
                Rows.time(row, "finished_at"),
                Optional.ofNullable(row.getString("error")),
                row.getString("tenant"),
                Optional.ofNullable(row.getString("dag_name")),
                Optional.ofNullable(row.getString("task_key")).orElseGet(id::toString),
                row.getString("task_name"),
                row.getString("type"),
                row.getString("queue"),
                Rows.trace(row, "traceparent"));
    }
}
