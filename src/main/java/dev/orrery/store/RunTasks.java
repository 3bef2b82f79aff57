package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.TaskInstance;
import dev.orrery.domain.task.TaskState;
import dev.orrery.store.TaskInstanceRepository.StoredInstance;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * All tasks of a run at once. Each table is read by itself, along its key, and what belongs together is brought together
 * here: a join of six tables costs an index search for each table and task. The view {@code task_states} tells the same of
 * one task.
 */
final class RunTasks {

    // All of a run's rows lie between its own id and the last one that begins like it.
    // language=PostgreSQL
    static final String LIST_INSTANCES = """
            WITH run AS MATERIALIZED (
                SELECT r.version_id, r.dag_id, r.created_at FROM dag_runs r WHERE r.tenant_id = $1 AND r.id = $2
            )
            SELECT 'run' AS place, r.dag_id AS id, NULL::int AS task_no, NULL::text AS task_id, NULL::text AS name,
                   NULL::task_state AS state, NULL::smallint AS attempt, NULL::bigint AS fence, NULL::uuid AS node_id,
                   NULL::smallint AS worker_no, NULL::timestamptz AS started_at, NULL::timestamptz AS finished_at,
                   r.created_at AS at, NULL::text AS error, NULL::smallint AS progress
            FROM run r
            UNION ALL
            SELECT 'task', NULL, t.task_no, t.task_id, t.name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM dag_tasks t
            WHERE t.version_id = (SELECT r.version_id FROM run r)
            UNION ALL
            SELECT 'blocked', w.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM task_wait w
            WHERE w.id BETWEEN $2 AND instance_id($2, 2147483647)
            UNION ALL
            SELECT 'ready', y.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM task_ready y
            WHERE y.id BETWEEN $2 AND instance_id($2, 2147483647)
            UNION ALL
            SELECT 'ready', k.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM lock_waits k
            WHERE k.id BETWEEN $2 AND instance_id($2, 2147483647)
            UNION ALL
            SELECT 'retrying', m.ref, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, m.due_at, NULL, NULL
            FROM task_timers m
            WHERE m.ref BETWEEN $2 AND instance_id($2, 2147483647) AND m.kind = 'retry'
            UNION ALL
            SELECT 'attempt', a.task_id, NULL, NULL, NULL, a.state, a.attempt, a.fence, a.node_id, a.worker_no, a.started_at,
                   a.finished_at, NULL, a.error, a.progress
            FROM (SELECT DISTINCT ON (x.task_id) x.* FROM task_attempts x
                  WHERE x.task_id BETWEEN $2 AND instance_id($2, 2147483647)
                  ORDER BY x.task_id DESC, x.attempt DESC) a
            """;

    private final RunId run;
    private final List<Row> tasks = new ArrayList<>();
    private final Map<Integer, Row> latestAttempts = new HashMap<>();
    private final Map<Integer, TaskState> places = new HashMap<>();
    private final Map<Integer, Instant> nextAttempts = new HashMap<>();
    private @Nullable DagId dag;
    private @Nullable Instant createdAt;

    private RunTasks(RunId run) {
        this.run = run;
    }

    /** The tasks in the order of the DAG file; none where there is no such run. */
    static List<StoredInstance> of(RunId run, RowSet<Row> rows) {
        var found = new RunTasks(run);
        rows.forEach(found::add);
        return found.instances();
    }

    private void add(Row row) {
        switch (row.getString("place")) {
            case "run" -> {
                dag = new DagId(row.getUUID("id"));
                createdAt = Rows.time(row, "at");
            }
            case "task" -> tasks.add(row);
            case "attempt" -> latestAttempts.put(number(row), row);
            case "blocked" -> places.put(number(row), TaskState.BLOCKED);
            case "ready" -> places.put(number(row), TaskState.READY);
            case "retrying" -> {
                places.put(number(row), TaskState.RETRYING);
                nextAttempts.put(number(row), Rows.time(row, "at"));
            }
            case String other -> throw new IllegalStateException("no table is called " + other);
        }
    }

    private static int number(Row row) {
        return new TaskInstanceId(row.getUUID("id")).taskNumber();
    }

    private List<StoredInstance> instances() {
        var ofDag = dag;
        var since = createdAt;
        if (ofDag == null || since == null) {
            return List.of();
        }
        return tasks.stream()
                .sorted((a, b) -> Integer.compare(a.getInteger("task_no"), b.getInteger("task_no")))
                .map(task -> instance(task, ofDag, since))
                .toList();
    }

    private StoredInstance instance(Row task, DagId ofDag, Instant since) {
        int number = task.getInteger("task_no");
        var attempt = latestAttempts.get(number);
        var id = TaskInstanceId.of(run, number);
        var taskId = new TaskId(task.getString("task_id"));
        var name = task.getString("name");
        var state = state(number, attempt);
        var instance = attempt == null
                ? new TaskInstance(
                        id,
                        taskId,
                        run,
                        ofDag,
                        name,
                        state,
                        0,
                        0,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        since,
                        Optional.empty(),
                        Optional.empty())
                : new TaskInstance(
                        id,
                        taskId,
                        run,
                        ofDag,
                        name,
                        state,
                        attempt.getShort("attempt"),
                        attempt.getLong("fence"),
                        Rows.worker(attempt),
                        Rows.optionalTime(attempt, "started_at"),
                        // The end of an attempt is the end of the task only if no other one follows.
                        state.isTerminal() ? Rows.optionalTime(attempt, "finished_at") : Optional.empty(),
                        since,
                        Optional.ofNullable(attempt.getString("error")),
                        Optional.empty());
        return new StoredInstance(instance, Optional.ofNullable(nextAttempts.get(number)), Rows.progress(attempt));
    }

    /** What stands in none of the tables that a state has for itself is claimed: running if its attempt began, else queued. */
    private TaskState state(int number, @Nullable Row attempt) {
        var place = places.get(number);
        if (place != null) {
            return place;
        }
        var state = attempt == null ? TaskState.QUEUED : TaskState.ofWireName(attempt.getString("state"));
        return state == TaskState.RETRYING || state == TaskState.READY ? TaskState.QUEUED : state;
    }
}
