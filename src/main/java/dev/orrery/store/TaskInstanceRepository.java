package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;

/**
 * Task instances one at a time, and those of a run: as people and tasks ask for them, and as they are made, claimed and
 * moved on. {@link WorkRepository} does the same with many at a time, by the same functions in the database.
 */
public final class TaskInstanceRepository {

    // language=PostgreSQL
    static final String GET_INSTANCE = """
            SELECT s.id, s.task_id, s.run_id, v.dag_id, t.name, s.state, s.attempt, s.fence, s.node_id, s.worker_no,
                   s.started_at, s.finished_at, s.created_at, s.error, s.next_attempt_at, s.progress, o.output::text AS output
            FROM task_states s
            JOIN dag_versions v ON v.id = s.version_id
            JOIN dag_tasks t ON t.version_id = s.version_id AND t.task_no = task_no_of(s.id)
            LEFT JOIN task_outputs o ON o.task_id = s.id AND o.attempt = s.attempt
            WHERE s.tenant_id = $1 AND s.id = $2
            """;

    // language=PostgreSQL
    static final String FIND_READY = """
            SELECT r.id
            FROM ready_places(ARRAY[$1]) p
            CROSS JOIN LATERAL (
                SELECT x.id, x.latest_start FROM task_ready x
                WHERE x.generation = p.generation AND x.queue = p.queue AND x.latest_start >= p.starts_from
                ORDER BY x.latest_start, x.id LIMIT $2) r
            ORDER BY r.latest_start, r.id LIMIT $2
            """;

    // language=PostgreSQL
    static final String LIST_ATTEMPTS = """
            SELECT attempt, outcome, fence, node_id, worker_no, error, started_at, finished_at
            FROM task_attempts
            WHERE task_id = $1 AND attempt > 0
            ORDER BY attempt
            """;

    // For each task either all of it or, beyond the limit, only how much it is. The params have no task, nor has the
    // input of a
    // single task, which is asked for by its own id.
    // language=PostgreSQL
    static final String READ_INPUTS = """
            WITH given AS MATERIALIZED (
                SELECT a.n, NULL::uuid AS task_id, p.params::text AS value, false AS is_own
                FROM unnest($1::uuid[]) WITH ORDINALITY a(run, n)
                CROSS JOIN LATERAL (SELECT * FROM run_params x WHERE x.run_id = a.run OFFSET 0) p
                UNION ALL
                SELECT u.n, o.task_id, o.output::text, false
                FROM unnest($2::int[], $3::uuid[]) u(n, task)
                CROSS JOIN LATERAL (SELECT * FROM task_outputs x WHERE x.task_id = u.task OFFSET 0) o
                UNION ALL
                SELECT a.n, NULL, i.input::text, NOT is_single(a.id)
                FROM unnest($5::uuid[]) WITH ORDINALITY a(id, n)
                CROSS JOIN LATERAL (SELECT x.input FROM task_instances x WHERE x.id = a.id OFFSET 0) i
                WHERE i.input IS NOT NULL
                UNION ALL
                SELECT a.n, d.prerequisite_id, coalesce(o.output::text, 'null'), false
                FROM unnest($1::uuid[]) WITH ORDINALITY a(id, n)
                CROSS JOIN LATERAL (
                    SELECT x.prerequisite_id FROM task_dependencies x
                    WHERE x.dependent_id = a.id AND is_single(a.id) OFFSET 0) d
                LEFT JOIN LATERAL (
                    SELECT x.output FROM task_outputs x WHERE x.task_id = d.prerequisite_id OFFSET 0) o ON true
            ), total AS MATERIALIZED (
                SELECT g.n, sum(octet_length(g.value))::bigint AS bytes FROM given g GROUP BY g.n
            )
            SELECT t.n::int AS n, t.bytes, g.task_id, g.value, g.is_own
            FROM total t
            LEFT JOIN given g ON g.n = t.n AND t.bytes <= $4
            """;

    private final Sql sql;
    private final WorkRepository work;

    public TaskInstanceRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
        this.work = new WorkRepository(vertx, pool);
    }

    /** An instance, when it is tried again while it is retrying, and how far its last attempt has come, in percent. */
    public record StoredInstance(TaskInstance instance, Optional<Instant> nextAttemptAt, OptionalInt progress) {}

    /** One try at an instance; {@code outcome} is absent while it runs. */
    public record StoredAttempt(
            int attempt,
            Optional<String> outcome,
            long fence,
            Optional<WorkerId> workerId,
            Optional<String> error,
            Optional<Instant> startedAt,
            Optional<Instant> completedAt) {}

    /** Makes a run and its instances, each ready or blocked. */
    public Future<NewRun.Result> create(NewRun run) {
        return work.createRuns(List.of(run)).map(List::getFirst);
    }

    /** Claims the most urgent ready instance of a queue for a node; of two claimants one gets it. */
    public Future<Optional<Claim>> claim(NodeId node, String queue) {
        return work.commitAndClaim(node, List.of(), List.of(queue), 1)
                .map(exchange -> exchange.claims().stream().findFirst());
    }

    /**
     * Moves a claimed instance to the state that the report tells, with all that follows from it. A state is the place of a
     * row, and the claim's fence the right to move it: false, and nothing is changed, where the claim is gone.
     */
    public Future<Boolean> updateState(NodeId node, AttemptReport report) {
        return work.commitAndClaim(node, List.of(report), List.of(), 0)
                .map(exchange -> exchange.accepted().contains(report.id()));
    }

    public Future<Optional<StoredInstance>> get(TenantId tenant, TaskInstanceId id) {
        return sql.run(GET_INSTANCE, Tuple.of(tenant.value(), id.value()))
                .map(rows -> Rows.first(rows, TaskInstanceRepository::instance));
    }

    /** All instances of a run in the order of the DAG file, without their outputs. */
    public Future<List<StoredInstance>> getByRunId(TenantId tenant, RunId run) {
        return sql.run(RunTasks.LIST_INSTANCES, Tuple.of(tenant.value(), run.value()))
                .map(rows -> RunTasks.of(run, rows));
    }

    /** The same inside the transaction of this connection. */
    static Future<List<StoredInstance>> getByRunId(SqlClient transaction, TenantId tenant, RunId run) {
        return transaction
                .preparedQuery(RunTasks.LIST_INSTANCES)
                .execute(Tuple.of(tenant.value(), run.value()))
                .map(rows -> RunTasks.of(run, rows));
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

    /**
     * What a task is to be given.
     *
     * @param id whose params: the run's, or a single task, which is given its input and the outputs of its prerequisites
     * @param task itself
     * @param tasks the tasks of the run whose outputs it is given; none for a single task
     */
    public record InputsOf(UUID id, TaskInstanceId task, Map<TaskInstanceId, TaskId> tasks) {

        public InputsOf {
            tasks = Map.copyOf(tasks);
        }

        /** Of a task of a run, after these others of it. */
        public static InputsOf run(RunId run, TaskInstanceId task, Map<TaskInstanceId, TaskId> tasks) {
            return new InputsOf(run.value(), task, tasks);
        }

        /** Of a task of a run that is given nothing by its run, but perhaps by who has sent it back. */
        public static InputsOf sentBack(TaskInstanceId task) {
            return new InputsOf(task.value(), task, Map.of());
        }

        /** Of a single task. */
        public static InputsOf single(TaskInstanceId task) {
            return new InputsOf(task.value(), task, Map.of());
        }
    }

    /**
     * What a task is given.
     *
     * @param bytes how much it is
     * @param params an empty object where none were given
     * @param own what a task of a run is given instead, since it was sent back with it
     * @param outputs by task; JSON null for one that had nothing to say
     */
    public record StoredInputs(long bytes, Json params, Optional<Json> own, Map<TaskId, Json> outputs) {}

    /** What each of these is given, in their order; of one that has more than {@code limit} bytes only how much it is. */
    public Future<List<StoredInputs>> inputs(List<InputsOf> asked, long limit) {
        var numbers = new ArrayList<Integer>();
        var tasks = new ArrayList<UUID>();
        for (var n = 0; n < asked.size(); n++) {
            for (var task : asked.get(n).tasks().keySet()) {
                numbers.add(n + 1);
                tasks.add(task.value());
            }
        }
        var parameters = Tuple.tuple()
                .addValue(asked.stream().map(InputsOf::id).toArray(UUID[]::new))
                .addValue(numbers.toArray(Integer[]::new))
                .addValue(tasks.toArray(UUID[]::new))
                .addValue(limit)
                .addValue(asked.stream().map(of -> of.task().value()).toArray(UUID[]::new));
        return sql.run(READ_INPUTS, parameters).map(rows -> inputs(asked, rows));
    }

    private static List<StoredInputs> inputs(List<InputsOf> asked, RowSet<Row> rows) {
        var found = asked.stream().map(FoundInputs::new).toList();
        for (var row : rows) {
            found.get(row.getInteger("n") - 1).add(row);
        }
        return found.stream().map(FoundInputs::stored).toList();
    }

    /** Rows of one task, as they come. */
    private static final class FoundInputs {

        private final Map<TaskInstanceId, TaskId> tasks;
        private final Map<TaskId, Json> outputs = new HashMap<>();
        private long bytes;
        private Json params = Json.EMPTY_OBJECT;
        private Optional<Json> own = Optional.empty();

        FoundInputs(InputsOf asked) {
            tasks = asked.tasks();
            tasks.values().forEach(task -> outputs.put(task, Json.NULL));
        }

        void add(Row row) {
            bytes = row.getLong("bytes");
            var task = row.getUUID("task_id");
            var value = row.getString("value");
            if (task != null) {
                var id = tasks.get(new TaskInstanceId(task));
                outputs.put(id == null ? new TaskId(task.toString()) : id, new Json(value));
            } else if (value != null && row.getBoolean("is_own")) {
                own = Optional.of(new Json(value));
            } else if (value != null) {
                params = new Json(value);
            }
        }

        StoredInputs stored() {
            return new StoredInputs(bytes, params, own, outputs);
        }
    }

    private static StoredInstance instance(Row row) {
        var state = TaskState.ofWireName(row.getString("state"));
        // The end of an attempt is the end of the task only if no other one follows.
        var completedAt = state.isTerminal() ? Rows.optionalTime(row, "finished_at") : Optional.<Instant>empty();
        var instance = new TaskInstance(
                new TaskInstanceId(row.getUUID("id")),
                new TaskId(row.getString("task_id")),
                new RunId(row.getUUID("run_id")),
                new DagId(row.getUUID("dag_id")),
                row.getString("name"),
                state,
                row.getShort("attempt"),
                row.getLong("fence"),
                Rows.worker(row),
                Rows.optionalTime(row, "started_at"),
                completedAt,
                Rows.time(row, "created_at"),
                Optional.ofNullable(row.getString("error")),
                Optional.ofNullable(row.getString("output")).map(Json::new));
        return new StoredInstance(instance, Rows.optionalTime(row, "next_attempt_at"), Rows.progress(row));
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
