package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.task.TaskInstance;
import dev.orrery.domain.task.TaskState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** Task instances as people and tasks ask for them; {@link WorkRepository} makes them and moves them on. */
public final class TaskInstanceRepository {

    // language=PostgreSQL
    static final String GET_INSTANCE = """
            SELECT s.id, s.task_id, s.run_id, v.dag_id, t.name, s.state, s.attempt, s.fence, s.node_id, s.worker_no,
                   s.started_at, s.finished_at, s.created_at, s.error, s.next_attempt_at, o.output::text AS output
            FROM task_states s
            JOIN dag_versions v ON v.id = s.version_id
            JOIN dag_tasks t ON t.version_id = s.version_id AND t.task_no = task_no_of(s.id)
            LEFT JOIN task_outputs o ON o.task_id = s.id AND o.attempt = s.attempt
            WHERE s.tenant_id = $1 AND s.id = $2
            """;

    // language=PostgreSQL
    static final String LIST_INSTANCES = """
            SELECT s.id, s.task_id, s.run_id, v.dag_id, t.name, s.state, s.attempt, s.fence, s.node_id, s.worker_no,
                   s.started_at, s.finished_at, s.created_at, s.error, s.next_attempt_at, NULL::text AS output
            FROM task_states s
            JOIN dag_versions v ON v.id = s.version_id
            JOIN dag_tasks t ON t.version_id = s.version_id AND t.task_no = task_no_of(s.id)
            WHERE s.tenant_id = $1 AND s.run_id = $2
            ORDER BY s.id
            """;

    // language=PostgreSQL
    static final String FIND_READY = "SELECT id FROM task_ready WHERE queue = $1 ORDER BY latest_start, id LIMIT $2";

    // language=PostgreSQL
    static final String LIST_ATTEMPTS = """
            SELECT attempt, outcome, fence, node_id, worker_no, error, started_at, finished_at
            FROM task_attempts
            WHERE task_id = $1 AND attempt > 0
            ORDER BY attempt
            """;

    // language=PostgreSQL
    static final String GET_PARAMS = "SELECT params::text AS params FROM run_params WHERE run_id = $1";

    // language=PostgreSQL
    static final String LIST_OUTPUTS =
            "SELECT task_id, output::text AS output FROM task_outputs WHERE task_id = ANY ($1::uuid[])";

    private final Sql sql;

    public TaskInstanceRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** An instance, and when it is tried again while it is retrying. */
    public record StoredInstance(TaskInstance instance, Optional<Instant> nextAttemptAt) {}

    /** One try at an instance; {@code outcome} is absent while it runs. */
    public record StoredAttempt(
            int attempt,
            Optional<String> outcome,
            long fence,
            Optional<WorkerId> workerId,
            Optional<String> error,
            Optional<Instant> startedAt,
            Optional<Instant> completedAt) {}

    public Future<Optional<StoredInstance>> get(TenantId tenant, TaskInstanceId id) {
        return sql.run(GET_INSTANCE, Tuple.of(tenant.value(), id.value()))
                .map(rows -> Rows.first(rows, TaskInstanceRepository::instance));
    }

    /** All instances of a run in the order of the DAG file, without their outputs. */
    public Future<List<StoredInstance>> getByRunId(TenantId tenant, RunId run) {
        return sql.run(LIST_INSTANCES, Tuple.of(tenant.value(), run.value())).map(TaskInstanceRepository::instances);
    }

    /** The same inside the transaction of this connection. */
    static Future<List<StoredInstance>> getByRunId(SqlClient transaction, TenantId tenant, RunId run) {
        return transaction
                .preparedQuery(LIST_INSTANCES)
                .execute(Tuple.of(tenant.value(), run.value()))
                .map(TaskInstanceRepository::instances);
    }

    private static List<StoredInstance> instances(RowSet<Row> rows) {
        return Rows.list(rows, TaskInstanceRepository::instance);
    }

    /** The most urgent ready instances of a queue, without claiming them. */
    public Future<List<TaskInstanceId>> findReady(String queue, int limit) {
        return sql.run(FIND_READY, Tuple.of(queue, limit))
                .map(rows -> Rows.list(rows, row -> new TaskInstanceId(row.getUUID("id"))));
    }

    /** The attempts at an instance, the first one first. */
    public Future<List<StoredAttempt>> attempts(TaskInstanceId id) {
        return sql.run(LIST_ATTEMPTS, Tuple.of(id.value()))
                .map(rows -> Rows.list(rows, TaskInstanceRepository::attempt));
    }

    /** The params of a run, an empty object where none were given. */
    public Future<Json> params(RunId run) {
        return sql.run(GET_PARAMS, Tuple.of(run.value()))
                .map(rows -> Rows.first(rows, row -> new Json(row.getString("params")))
                        .orElse(Json.EMPTY_OBJECT));
    }

    /** The outputs of these tasks of a run, by task; JSON null for one that had nothing to say. */
    public Future<Map<TaskId, Json>> outputs(Map<TaskInstanceId, TaskId> tasks) {
        if (tasks.isEmpty()) {
            return Future.succeededFuture(Map.of());
        }
        var ids = tasks.keySet().stream().map(TaskInstanceId::value).toArray(UUID[]::new);
        return sql.run(LIST_OUTPUTS, Tuple.tuple().addValue(ids)).map(rows -> {
            var outputs = new HashMap<TaskId, Json>();
            tasks.values().forEach(task -> outputs.put(task, Json.NULL));
            for (var row : rows) {
                var task = tasks.get(new TaskInstanceId(row.getUUID("task_id")));
                if (task != null) {
                    outputs.put(task, new Json(row.getString("output")));
                }
            }
            return outputs;
        });
    }

    private static StoredInstance instance(Row row) {
        var instance = new TaskInstance(
                new TaskInstanceId(row.getUUID("id")),
                new TaskId(row.getString("task_id")),
                new RunId(row.getUUID("run_id")),
                new DagId(row.getUUID("dag_id")),
                row.getString("name"),
                TaskState.ofWireName(row.getString("state")),
                row.getShort("attempt"),
                row.getLong("fence"),
                Rows.worker(row),
                Rows.optionalTime(row, "started_at"),
                Rows.optionalTime(row, "finished_at"),
                Rows.time(row, "created_at"),
                Optional.ofNullable(row.getString("error")),
                Optional.ofNullable(row.getString("output")).map(Json::new));
        return new StoredInstance(instance, Rows.optionalTime(row, "next_attempt_at"));
    }

    private static StoredAttempt attempt(Row row) {
        return new StoredAttempt(
                row.getShort("attempt"),
                Optional.ofNullable(row.getString("outcome")),
                row.getLong("fence"),
                Rows.worker(row),
                Optional.ofNullable(row.getString("error")),
                Rows.optionalTime(row, "started_at"),
                Rows.optionalTime(row, "finished_at"));
    }
}
