package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.dag.DagRun;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** Runs as people ask for them; {@link WorkRepository} makes them and moves them on. */
public final class DagRunRepository {

    // language=PostgreSQL
    static final String GET_RUN = """
            SELECT r.id, r.dag_id, r.dag_version, r.version_id, r.state, r.triggered_by, r.logical_time, r.started_at,
                   r.completed_at, r.created_at, d.name AS dag_name, p.params::text AS params, x.traceparent
            FROM dag_runs r
            JOIN dags d ON d.id = r.dag_id AND d.deleted_at IS NULL
            LEFT JOIN run_params p ON p.run_id = r.id
            LEFT JOIN run_traces x ON x.run_id = r.id
            WHERE r.tenant_id = $1 AND r.id = $2
            """;

    // One list for each filter, so that each has its own index and none is planned for the others.
    // language=PostgreSQL
    static final String LIST_RUNS = """
            SELECT r.id, r.dag_id, r.dag_version, r.version_id, r.state, r.triggered_by, r.logical_time, r.started_at,
                   r.completed_at, r.created_at, d.name AS dag_name, NULL::text AS params, x.traceparent
            FROM dag_runs r
            JOIN dags d ON d.id = r.dag_id AND d.deleted_at IS NULL
            LEFT JOIN run_traces x ON x.run_id = r.id
            WHERE r.tenant_id = $1
            ORDER BY r.created_at DESC, r.id DESC
            LIMIT $2 OFFSET $3
            """;

    // language=PostgreSQL
    static final String LIST_RUNS_BY_STATE = """
            SELECT r.id, r.dag_id, r.dag_version, r.version_id, r.state, r.triggered_by, r.logical_time, r.started_at,
                   r.completed_at, r.created_at, d.name AS dag_name, NULL::text AS params, x.traceparent
            FROM dag_runs r
            JOIN dags d ON d.id = r.dag_id AND d.deleted_at IS NULL
            LEFT JOIN run_traces x ON x.run_id = r.id
            WHERE r.tenant_id = $1 AND r.state = $4::text::run_state
            ORDER BY r.created_at DESC, r.id DESC
            LIMIT $2 OFFSET $3
            """;

    // language=PostgreSQL
    static final String LIST_RUNS_OF_DAG = """
            SELECT r.id, r.dag_id, r.dag_version, r.version_id, r.state, r.triggered_by, r.logical_time, r.started_at,
                   r.completed_at, r.created_at, d.name AS dag_name, NULL::text AS params, x.traceparent
            FROM dag_runs r
            JOIN dags d ON d.id = r.dag_id AND d.deleted_at IS NULL
            LEFT JOIN run_traces x ON x.run_id = r.id
            WHERE r.tenant_id = $1 AND r.dag_id = $4 AND ($5::text IS NULL OR r.state = $5::text::run_state)
            ORDER BY r.created_at DESC, r.id DESC
            LIMIT $2 OFFSET $3
            """;

    // A run that was given no trace is the one whose id the trace has. One trace may have runs of several tenants.
    // language=PostgreSQL
    static final String LIST_RUNS_OF_TRACE = """
            SELECT r.id, r.dag_id, r.dag_version, r.version_id, r.state, r.triggered_by, r.logical_time, r.started_at,
                   r.completed_at, r.created_at, d.name AS dag_name, NULL::text AS params, t.traceparent
            FROM (
                SELECT x.run_id, x.traceparent FROM run_traces x
                WHERE substr(x.traceparent, 4, 32) = replace($4::uuid::text, '-', '')
                UNION ALL
                SELECT $4, NULL WHERE NOT EXISTS (SELECT FROM run_traces x WHERE x.run_id = $4)
            ) t
            CROSS JOIN LATERAL (SELECT * FROM dag_runs o WHERE o.id = t.run_id OFFSET 0) r
            JOIN dags d ON d.id = r.dag_id AND d.deleted_at IS NULL
            WHERE r.tenant_id = $1 AND ($5::uuid IS NULL OR r.dag_id = $5)
              AND ($6::text IS NULL OR r.state = $6::text::run_state)
            ORDER BY r.created_at DESC, r.id DESC
            LIMIT $2 OFFSET $3
            """;

    // language=PostgreSQL
    static final String PURGE_OLD =
            "SELECT purge_old_runs($1::bigint * interval '1 millisecond', $2) AS more FROM require_epoch($3)";

    // language=PostgreSQL
    static final String DELETE_RUN = "SELECT delete_run($1, $2) AS verdict";

    // language=PostgreSQL
    static final String FIND_EXISTING = "SELECT id FROM dag_runs WHERE id = ANY ($1::uuid[])";

    private final Sql sql;

    public DagRunRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private DagRunRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public DagRunRepository by(ChangeRequest request) {
        return new DagRunRepository(sql.by(request));
    }

    /** A run with what its lists and its tasks need beside it; {@code trace} is the one it was given. */
    public record StoredRun(DagRun run, String dagName, int versionId, Optional<TraceContext> trace) {}

    public Future<Optional<StoredRun>> get(TenantId tenant, RunId id) {
        return sql.run(GET_RUN, Tuple.of(tenant.value(), id.value())).map(DagRunRepository::first);
    }

    /** The same inside the transaction of this connection. */
    static Future<Optional<StoredRun>> get(SqlClient transaction, TenantId tenant, RunId id) {
        return transaction
                .preparedQuery(GET_RUN)
                .execute(Tuple.of(tenant.value(), id.value()))
                .map(DagRunRepository::first);
    }

    private static Optional<StoredRun> first(RowSet<Row> rows) {
        return Rows.first(rows, DagRunRepository::run);
    }

    /** Which runs are wanted. */
    public record Filter(Optional<DagId> dag, Optional<RunState> state, Optional<UUID> trace) {

        public static final Filter ALL = new Filter(Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** The newest first; {@code params} are left out of lists. */
    public Future<List<StoredRun>> list(TenantId tenant, Filter filter, int limit, int offset) {
        var parameters = Tuple.of(tenant.value(), limit, offset);
        var dag = filter.dag().map(DagId::value).orElse(null);
        var state = filter.state().map(RunState::wireName).orElse(null);
        if (filter.trace().isPresent()) {
            var trace = filter.trace().get();
            return list(
                    LIST_RUNS_OF_TRACE, parameters.addUUID(trace).addUUID(dag).addString(state));
        }
        if (dag != null) {
            return list(LIST_RUNS_OF_DAG, parameters.addUUID(dag).addString(state));
        }
        if (state != null) {
            return list(LIST_RUNS_BY_STATE, parameters.addString(state));
        }
        return list(LIST_RUNS, parameters);
    }

    private Future<List<StoredRun>> list(String statement, Tuple parameters) {
        return sql.run(statement, parameters).map(rows -> Rows.list(rows, DagRunRepository::run));
    }

    /**
     * Deletes runs of all tenants that ended longer ago than {@code age}, oldest first and about so many tasks at once, as
     * {@link #delete} does; whether there may be more. Fails where {@code epoch} is no longer the leader's.
     */
    public Future<Boolean> purgeOld(Duration age, int tasks, long epoch) {
        return sql.run(PURGE_OLD, Tuple.of(age.toMillis(), tasks, epoch))
                .map(rows -> rows.iterator().next().getBoolean("more"));
    }

    /** What a deletion found. */
    public enum Deletion {
        DELETED,
        ACTIVE,
        NONE
    }

    /** Deletes a run that has ended, with its tasks, attempts, outputs, logs and history. */
    public Future<Deletion> delete(TenantId tenant, RunId id) {
        return sql.change(Resource.of(Kind.RUN, tenant, id), DELETE_RUN, Tuple.of(tenant.value(), id.value()))
                .map(rows -> switch (rows.iterator().next().getString("verdict")) {
                    case "deleted" -> Deletion.DELETED;
                    case "active" -> Deletion.ACTIVE;
                    default -> Deletion.NONE;
                });
    }

    /** Which of these runs there are, of any tenant. */
    public Future<Set<RunId>> existing(List<RunId> ids) {
        var values = ids.stream().map(RunId::value).toArray(UUID[]::new);
        return sql.run(FIND_EXISTING, Tuple.tuple().addValue(values))
                .map(rows -> Set.copyOf(Rows.list(rows, row -> new RunId(row.getUUID("id")))));
    }

    private static StoredRun run(Row row) {
        var params = row.getString("params");
        var run = new DagRun(
                new RunId(row.getUUID("id")),
                new DagId(row.getUUID("dag_id")),
                row.getInteger("dag_version"),
                RunState.ofWireName(row.getString("state")),
                Trigger.ofWireName(row.getString("triggered_by")),
                params == null ? Json.EMPTY_OBJECT : new Json(params),
                Rows.optionalTime(row, "logical_time"),
                Rows.optionalTime(row, "started_at"),
                Rows.optionalTime(row, "completed_at"),
                Rows.time(row, "created_at"));
        return new StoredRun(
                run, row.getString("dag_name"), row.getInteger("version_id"), Rows.trace(row, "traceparent"));
    }
}
