package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.dag.DagDefinition;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * DAGs and their versions. A version is written once, with its tasks and edges as rows of their own, so that the server can
 * make runs of it by itself; the DAG's own row tells the newest one.
 */
public final class DagRepository {

    // language=PostgreSQL
    static final String CREATE = """
            INSERT INTO dags AS d (id, tenant_id, name, definition, schedule, timezone, version, task_count, is_internal)
            VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, 1, $7, $8)
            ON CONFLICT (tenant_id, name) WHERE deleted_at IS NULL DO NOTHING
            RETURNING d.id, d.name, d.task_count, d.schedule, d.timezone, d.is_active, d.version, d.created_at, d.updated_at,
                      NULL::timestamptz AS next_run
            """;

    // language=PostgreSQL
    static final String LOCK = """
            SELECT d.name, d.version FROM dags d
            WHERE d.tenant_id = $1 AND d.id = $2 AND d.deleted_at IS NULL AND NOT d.is_internal
            FOR NO KEY UPDATE
            """;

    // language=PostgreSQL
    static final String IS_UNCHANGED = """
            SELECT v.yaml = $3 AS unchanged FROM dag_versions v WHERE v.dag_id = $1 AND v.version = $2
            """;

    // language=PostgreSQL
    static final String UPDATE = """
            UPDATE dags d
            SET definition = $3::text::jsonb, schedule = $4, timezone = $5, task_count = $6, version = d.version + 1,
                updated_at = clock_timestamp()
            WHERE d.tenant_id = $1 AND d.id = $2 AND d.deleted_at IS NULL
            RETURNING d.id, d.name, d.task_count, d.schedule, d.timezone, d.is_active, d.version, d.created_at, d.updated_at,
                      NULL::timestamptz AS next_run
            """;

    // In the order of their names, as new queues below, and before: what another publication adds is seen then.
    // language=PostgreSQL
    static final String ADD_LOCKS = """
            INSERT INTO locks (tenant_id, name)
            SELECT d.tenant_id, n.name
            FROM dags d CROSS JOIN unnest($2::text[]) n(name)
            WHERE d.id = $1
            ORDER BY n.name
            ON CONFLICT DO NOTHING
            """;

    // What the DAG's row says now becomes a version. New queues in the order of their names: two publications cannot
    // wait for each other. Where remote workers fetch their tasks is no queue of nodes: see RemoteWork.queue.
    // language=PostgreSQL
    static final String PUBLISH_VERSION = """
            WITH published AS (
                INSERT INTO dag_versions (dag_id, version, yaml, definition, task_count, created_at, lock_id, has_locks, limit_id)
                SELECT d.id, d.version, $2, d.definition, d.task_count, d.updated_at,
                       (SELECT l.id FROM locks l WHERE l.tenant_id = d.tenant_id AND l.name = $13::text),
                       CASE WHEN num_nonnulls($13, $14::int, $15::int) > 0 OR num_nonnulls(VARIADIC $12::text[]) > 0 THEN true END,
                       limit_dag(d.tenant_id, d.id, $14::int, $15::int, $16::bigint)
                FROM dags d WHERE d.id = $1
                RETURNING id
            ), tasks AS (
                INSERT INTO dag_tasks (version_id, task_no, task_id, name, type, queue, priority, dependency_count,
                                       timeout_ms, lock_id, total_timeout_ms)
                SELECT p.id, t.task_no, t.task_id, t.name, t.type::task_type,
                       CASE WHEN t.type = 'agent' THEN 'agent/' || d.tenant_id || '/' ELSE '' END || t.queue,
                       t.priority, t.dependency_count, t.timeout_ms, l.id, t.total_timeout_ms
                FROM published p
                CROSS JOIN (SELECT x.tenant_id FROM dags x WHERE x.id = $1) d
                CROSS JOIN unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::real[], $8::int[],
                                  $11::bigint[], $12::text[], $17::bigint[])
                    WITH ORDINALITY t(task_id, name, type, queue, priority, dependency_count, timeout_ms, lock,
                                      total_timeout_ms, task_no)
                LEFT JOIN locks l ON l.tenant_id = d.tenant_id AND l.name = t.lock
            ), edges AS (
                INSERT INTO dag_edges (version_id, upstream_no, downstream_no)
                SELECT p.id, e.upstream_no, e.downstream_no
                FROM published p CROSS JOIN unnest($9::int[], $10::int[]) e(upstream_no, downstream_no)
            ), named_queues AS (
                INSERT INTO queues (name)
                SELECT DISTINCT q.name FROM unnest($5::text[], $6::text[]) q(type, name)
                WHERE q.type <> 'agent' ORDER BY q.name
                ON CONFLICT DO NOTHING
            ), queues_of_tenant AS (
                INSERT INTO tenant_queues (tenant_id, name)
                SELECT d.tenant_id, q.name
                FROM dags d
                CROSS JOIN (SELECT DISTINCT x.name FROM unnest($5::text[], $6::text[]) x(type, name) WHERE x.type <> 'agent') q
                WHERE d.id = $1 AND d.tenant_id > 1 ORDER BY q.name
                ON CONFLICT DO NOTHING
            )
            SELECT p.id FROM published p
            """;

    // language=PostgreSQL
    static final String GET = """
            SELECT d.id, d.name, d.task_count, d.schedule, d.timezone, d.is_active, d.version, d.created_at, d.updated_at,
                   (SELECT t.due_at FROM job_timers t
                    WHERE t.job_id = d.id AND t.is_planned AND NOT t.is_paused AND t.due_at < 'infinity') AS next_run
            FROM dags d
            WHERE d.tenant_id = $1 AND d.id = $2 AND d.deleted_at IS NULL
            """;

    // language=PostgreSQL
    static final String GET_BY_NAME = """
            SELECT d.id, d.name, d.task_count, d.schedule, d.timezone, d.is_active, d.version, d.created_at, d.updated_at,
                   (SELECT t.due_at FROM job_timers t
                    WHERE t.job_id = d.id AND t.is_planned AND NOT t.is_paused AND t.due_at < 'infinity') AS next_run
            FROM dags d
            WHERE d.tenant_id = $1 AND d.name = $2 AND d.deleted_at IS NULL AND NOT d.is_internal
            """;

    // language=PostgreSQL
    static final String LIST = """
            SELECT d.id, d.name, d.task_count, d.schedule, d.timezone, d.is_active, d.version, d.created_at, d.updated_at,
                   (SELECT t.due_at FROM job_timers t
                    WHERE t.job_id = d.id AND t.is_planned AND NOT t.is_paused AND t.due_at < 'infinity') AS next_run
            FROM dags d
            WHERE d.tenant_id = $1 AND d.deleted_at IS NULL AND NOT d.is_internal
            ORDER BY d.created_at DESC, d.id DESC
            LIMIT $2 OFFSET $3
            """;

    // language=PostgreSQL
    static final String GET_VERSION = """
            SELECT d.name, v.version, v.yaml, v.definition::text AS definition, v.created_at
            FROM dags d
            JOIN dag_versions v ON v.dag_id = d.id AND v.version = coalesce($3, d.version)
            WHERE d.tenant_id = $1 AND d.id = $2 AND d.deleted_at IS NULL
            """;

    // language=PostgreSQL
    static final String LIST_VERSIONS = """
            SELECT d.name, v.version, v.task_count, v.created_at
            FROM dags d
            JOIN dag_versions v ON v.dag_id = d.id
            WHERE d.tenant_id = $1 AND d.id = $2 AND d.deleted_at IS NULL AND v.version < $3
            ORDER BY v.version DESC
            LIMIT $4
            """;

    // language=PostgreSQL
    static final String SET_ACTIVE = """
            UPDATE dags d
            SET is_active = $3, updated_at = CASE WHEN d.is_active = $3 THEN d.updated_at ELSE clock_timestamp() END
            WHERE d.tenant_id = $1 AND d.id = $2 AND d.deleted_at IS NULL AND NOT d.is_internal
            RETURNING d.id, d.name, d.task_count, d.schedule, d.timezone, d.is_active, d.version, d.created_at, d.updated_at,
                      NULL::timestamptz AS next_run
            """;

    // language=PostgreSQL
    static final String FIND_INTERNAL = """
            SELECT d.id FROM dags d
            WHERE d.tenant_id = $1 AND d.name = $2 AND d.deleted_at IS NULL AND d.is_internal
            """;

    // language=PostgreSQL
    static final String HIDE = "SELECT hide_dag($1, $2) AS verdict";

    // language=PostgreSQL
    static final String PURGE_HIDDEN = "SELECT purge_hidden_dags($1) AS purged";

    private static final int CREATE_TRIES = 3;

    private final Sql sql;

    public DagRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private DagRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public DagRepository by(ChangeRequest request) {
        return new DagRepository(sql.by(request));
    }

    /**
     * Publishes version 1 of a new DAG; under a key that made a DAG before, answers that one. Fails with {@code CONFLICT}
     * where a DAG of this name exists (its id is the path of the problem), or the key came with another request.
     */
    public Future<StoredDag> create(TenantId tenant, DagId id, DagPublication dag, Optional<NewRun.Key> key) {
        return create(tenant, id, dag, key, 1);
    }

    /**
     * Publishes what only jobs are to use, or answers that of the same name: it is named by what it does. No list shows
     * it, and nobody changes it.
     */
    public Future<DagId> ensureInternal(TenantId tenant, DagId id, DagPublication dag) {
        var found = sql.run(FIND_INTERNAL, Tuple.of(tenant.value(), dag.name()))
                .map(rows -> Rows.first(rows, row -> new DagId(row.getUUID("id"))));
        return found.compose(known -> known.map(Future::succeededFuture)
                .orElseGet(() -> sql.transaction(transaction -> insert(transaction, tenant, id, dag, true))
                        .map(made -> id)
                        .recover(error ->
                                error instanceof NameExists ? internalNow(tenant, dag.name()) : failed(error))));
    }

    /** Somebody else published it just now. */
    private Future<DagId> internalNow(TenantId tenant, String name) {
        return sql.run(FIND_INTERNAL, Tuple.of(tenant.value(), name))
                .compose(rows -> Rows.first(rows, row -> new DagId(row.getUUID("id")))
                        .map(Future::succeededFuture)
                        .orElseGet(() -> failed(new OrreryException(
                                ErrorCode.CONFLICT, "a DAG is called '" + name + "', a name that jobs need"))));
    }

    private Future<StoredDag> create(
            TenantId tenant, DagId id, DagPublication dag, Optional<NewRun.Key> key, int attempt) {
        return sql.change(
                        Resource.of(Kind.DAG, tenant, id),
                        transaction -> IdempotencyRepository.once(
                                transaction,
                                tenant,
                                key,
                                id.value(),
                                () -> insert(transaction, tenant, id, dag, false),
                                made -> get(transaction, tenant, new DagId(made))))
                .recover(error ->
                        error instanceof NameExists ? nameExists(tenant, id, dag, key, attempt) : failed(error));
    }

    private static Future<StoredDag> insert(
            SqlConnection transaction, TenantId tenant, DagId id, DagPublication dag, boolean isInternal) {
        var draft = dag.draft();
        var parameters = Tuple.of(id.value(), tenant.value(), dag.name());
        parameters.addValue(dag.definition().text());
        parameters.addValue(draft.schedule().orElse(null));
        parameters.addValue(draft.timezone());
        parameters.addValue(draft.tasks().size());
        parameters.addValue(isInternal);
        return transaction.preparedQuery(CREATE).execute(parameters).compose(rows -> {
            if (rows.size() == 0) {
                return Future.failedFuture(new NameExists(dag.name()));
            }
            return publishVersion(transaction, id, dag)
                    .map(_ -> dag(rows.iterator().next()));
        });
    }

    private static Future<?> publishVersion(SqlConnection transaction, DagId id, DagPublication dag) {
        var locks = dag.locks();
        var known = locks.length == 0
                ? Future.succeededFuture()
                : transaction
                        .preparedQuery(ADD_LOCKS)
                        .execute(Tuple.of(id.value()).addValue(locks));
        return known.compose(_ ->
                transaction.preparedQuery(PUBLISH_VERSION).execute(dag.addColumns(Tuple.of(id.value(), dag.yaml()))));
    }

    /** Undoes the transaction; which DAG it is, is read after. */
    private static final class NameExists extends OrreryException {
        private static final long serialVersionUID = 1L;

        NameExists(String name) {
            super(ErrorCode.CONFLICT, "a DAG called '" + name + "' exists");
        }
    }

    private Future<StoredDag> nameExists(
            TenantId tenant, DagId id, DagPublication dag, Optional<NewRun.Key> key, int attempt) {
        return getByName(tenant, dag.name()).compose(existing -> {
            if (existing.isEmpty() && attempt < CREATE_TRIES) {
                return create(tenant, id, dag, key, attempt + 1); // deleted meanwhile
            }
            var problems = existing.map(other -> List.of(new Problem(
                            ProblemCode.NAME_EXISTS,
                            0,
                            0,
                            other.id().toString(),
                            "the DAG of this name",
                            Optional.of("publish a new version with PUT /api/v1/dags/" + other.id()))))
                    .orElse(List.of());
            return failed(
                    new OrreryException(ErrorCode.CONFLICT, "a DAG called '" + dag.name() + "' exists", problems));
        });
    }

    /**
     * Publishes the next version; a text that did not change keeps its version. Nothing where there is no such DAG. Fails
     * with {@code CONFLICT} where the DAG has not the version that is expected.
     *
     * @param dag made from this DAG's name
     */
    public Future<Optional<StoredDag>> update(TenantId tenant, DagId id, DagPublication dag, OptionalInt expected) {
        return sql.change(
                Resource.of(Kind.DAG, tenant, id),
                transaction -> transaction
                        .preparedQuery(LOCK)
                        .execute(Tuple.of(tenant.value(), id.value()))
                        .compose(rows -> {
                            if (rows.size() == 0) {
                                return Future.succeededFuture(Optional.empty());
                            }
                            var version = rows.iterator().next().getInteger("version");
                            if (expected.isPresent() && expected.getAsInt() != version) {
                                return failed(new OrreryException(
                                        ErrorCode.CONFLICT,
                                        "the DAG has version " + version + ", not " + expected.getAsInt()));
                            }
                            return publishNext(transaction, tenant, id, dag, version)
                                    .map(Optional::of);
                        }));
    }

    private static Future<StoredDag> publishNext(
            SqlConnection transaction, TenantId tenant, DagId id, DagPublication dag, int version) {
        return transaction
                .preparedQuery(IS_UNCHANGED)
                .execute(Tuple.of(id.value(), version, dag.yaml()))
                .compose(rows -> rows.iterator().next().getBoolean("unchanged")
                        ? get(transaction, tenant, id)
                        : replace(transaction, tenant, id, dag));
    }

    private static Future<StoredDag> replace(SqlConnection transaction, TenantId tenant, DagId id, DagPublication dag) {
        var draft = dag.draft();
        var parameters = Tuple.of(tenant.value(), id.value(), dag.definition().text());
        parameters.addValue(draft.schedule().orElse(null));
        parameters.addValue(draft.timezone());
        parameters.addValue(draft.tasks().size());
        return transaction
                .preparedQuery(UPDATE)
                .execute(parameters)
                .compose(rows -> publishVersion(transaction, id, dag)
                        .map(_ -> dag(rows.iterator().next())));
    }

    public Future<Optional<StoredDag>> get(TenantId tenant, DagId id) {
        return sql.run(GET, Tuple.of(tenant.value(), id.value())).map(DagRepository::first);
    }

    public Future<Optional<StoredDag>> getByName(TenantId tenant, String name) {
        return sql.run(GET_BY_NAME, Tuple.of(tenant.value(), Texts.clean(name))).map(DagRepository::first);
    }

    /** Newest first. */
    public Future<List<StoredDag>> list(TenantId tenant, int limit, int offset) {
        return sql.run(LIST, Tuple.of(tenant.value(), limit, offset)).map(rows -> Sql.list(rows, DagRepository::dag));
    }

    /** One version as it is stored; {@code definition} in the form of {@link DagJson#read}. */
    public record StoredVersion(String name, int version, String yaml, Json definition, Instant createdAt) {

        public DagDefinition definitionOf(DagId id) {
            return DagJson.read(definition, id, version, createdAt);
        }
    }

    /** The given version, or the newest one. */
    public Future<Optional<StoredVersion>> version(TenantId tenant, DagId id, OptionalInt version) {
        var parameters = Tuple.of(tenant.value(), id.value());
        parameters.addValue(version.isPresent() ? (Object) version.getAsInt() : null);
        return sql.run(GET_VERSION, parameters)
                .map(rows -> Sql.list(
                                rows,
                                row -> new StoredVersion(
                                        row.getString("name"),
                                        row.getInteger("version"),
                                        row.getString("yaml"),
                                        new Json(row.getString("definition")),
                                        row.getOffsetDateTime("created_at").toInstant()))
                        .stream()
                        .findFirst());
    }

    /** One version as lists show it. */
    public record VersionRow(int version, String name, int taskCount, Instant createdAt) {}

    /** Versions below {@code before}, newest first. */
    public Future<List<VersionRow>> versions(TenantId tenant, DagId id, int before, int limit) {
        return sql.run(LIST_VERSIONS, Tuple.of(tenant.value(), id.value(), before, limit))
                .map(rows -> Sql.list(
                        rows,
                        row -> new VersionRow(
                                row.getInteger("version"),
                                row.getString("name"),
                                row.getInteger("task_count"),
                                row.getOffsetDateTime("created_at").toInstant())));
    }

    /** Pauses or resumes; nothing where there is no such DAG. {@code CONFLICT} where the key came with another request. */
    public Future<Optional<StoredDag>> setActive(TenantId tenant, DagId id, boolean active, Optional<NewRun.Key> key) {
        return sql.change(
                        Resource.of(Kind.DAG, tenant, id),
                        transaction -> IdempotencyRepository.once(
                                transaction,
                                tenant,
                                key,
                                id.value(),
                                () -> transaction
                                        .preparedQuery(SET_ACTIVE)
                                        .execute(Tuple.of(tenant.value(), id.value(), active))
                                        .compose(DagRepository::only),
                                _ -> get(transaction, tenant, id)))
                .map(Optional::of)
                .recover(error -> isUnknown(error) ? Future.succeededFuture(Optional.empty()) : failed(error));
    }

    /** What deleting a DAG comes to. */
    public enum Deletion {
        HIDDEN,
        ACTIVE,
        IN_USE,
        UNKNOWN
    }

    /** Takes a DAG away from all readers if none of its runs is active; its rows go with {@link #purgeHidden}. */
    public Future<Deletion> delete(TenantId tenant, DagId id) {
        return sql.change(Resource.of(Kind.DAG, tenant, id), HIDE, Tuple.of(tenant.value(), id.value()))
                .map(rows -> switch (rows.iterator().next().getString("verdict")) {
                    case "hidden" -> Deletion.HIDDEN;
                    case "active" -> Deletion.ACTIVE;
                    case "in_use" -> Deletion.IN_USE;
                    default -> Deletion.UNKNOWN;
                });
    }

    /** Deletes a part of what belongs to a hidden DAG, about so many tasks; false where nothing was left to do. */
    public Future<Boolean> purgeHidden(int tasks) {
        return sql.run(PURGE_HIDDEN, Tuple.of(tasks))
                .map(rows -> rows.iterator().next().getBoolean("purged"));
    }

    private static Future<StoredDag> get(SqlConnection transaction, TenantId tenant, DagId id) {
        return transaction
                .preparedQuery(GET)
                .execute(Tuple.of(tenant.value(), id.value()))
                .compose(DagRepository::only);
    }

    private static Future<StoredDag> only(RowSet<Row> rows) {
        return first(rows)
                .map(Future::succeededFuture)
                .orElseGet(() -> failed(new OrreryException(ErrorCode.DAG_NOT_FOUND, "there is no such DAG")));
    }

    private static boolean isUnknown(Throwable error) {
        return error instanceof OrreryException known && known.code() == ErrorCode.DAG_NOT_FOUND;
    }

    private static Optional<StoredDag> first(RowSet<Row> rows) {
        return rows.size() == 0
                ? Optional.empty()
                : Optional.of(dag(rows.iterator().next()));
    }

    private static StoredDag dag(Row row) {
        return new StoredDag(
                new DagId(row.getUUID("id")),
                row.getString("name"),
                row.getInteger("task_count"),
                Optional.ofNullable(row.getString("schedule")),
                row.getString("timezone"),
                row.getBoolean("is_active"),
                row.getInteger("version"),
                row.getOffsetDateTime("created_at").toInstant(),
                row.getOffsetDateTime("updated_at").toInstant(),
                Rows.optionalTime(row, "next_run"));
    }

    private static <T> Future<T> failed(Throwable error) {
        return Future.failedFuture(error);
    }
}
