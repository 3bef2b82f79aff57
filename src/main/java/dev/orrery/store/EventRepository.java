package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.store.DagRunRepository.StoredRun;
import dev.orrery.store.TaskInstanceRepository.StoredInstance;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The history of task states, run by run. Whoever adds an event holds its run until the commit, so the numbers of a run's
 * events grow in the order of their commits: behind the last number that a reader saw, nothing appears later on.
 */
public final class EventRepository {

    // A run without news has a row without an event: it tells how the run stands, or that it is gone.
    // language=PostgreSQL
    static final String READ_NEWS = """
            SELECT w.run_id, r.state AS state_now, e.seq, e.node_id, e.at, e.run_state, e.task_nos, e.tos, e.attempts, e.workers
            FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY w(run_id, seq, ordinal)
            LEFT JOIN dag_runs r ON r.id = w.run_id
            LEFT JOIN LATERAL (
                SELECT x.seq, x.node_id, x.at, x.run_state, x.task_nos, x.tos::text[] AS tos, x.attempts, x.workers
                FROM task_events x
                WHERE x.run_id = w.run_id AND x.seq > w.seq
                ORDER BY x.seq
                LIMIT $3
            ) e ON true
            ORDER BY w.ordinal, e.seq
            """;

    // language=PostgreSQL
    static final String READ_EVENTS = """
            SELECT e.run_id, e.seq, e.node_id, e.at, e.run_state, e.task_nos, e.tos::text[] AS tos, e.attempts, e.workers
            FROM task_events e
            WHERE e.run_id = $1 AND e.seq > $2
            ORDER BY e.seq
            LIMIT $3
            """;

    // The attempts of a run that say how far they have come are few, and have an index of their own.
    // language=PostgreSQL
    static final String READ_PROGRESS = """
            SELECT w.run_id, a.task_id, a.attempt, a.progress
            FROM unnest($1::uuid[]) w(run_id)
            CROSS JOIN LATERAL (
                SELECT x.task_id, x.attempt, x.progress FROM task_attempts x
                WHERE x.task_id BETWEEN w.run_id AND instance_id(w.run_id, 2147483647)
                  AND x.progress IS NOT NULL AND x.outcome IS NULL
                OFFSET 0
            ) a
            """;

    // language=PostgreSQL
    static final String GET_LAST_NUMBER =
            "SELECT coalesce(max(e.seq), 0) AS seq FROM task_events e WHERE e.run_id = $1";

    // language=PostgreSQL
    static final String ONE_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

    private final Sql sql;

    public EventRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** A run and its tasks as they are after the event of this number. */
    public record RunSnapshot(long lastNumber, StoredRun run, List<StoredInstance> tasks) {}

    /** Reads a run with all its tasks in one snapshot of the database; nothing where there is no such run. */
    public Future<Optional<RunSnapshot>> snapshot(TenantId tenant, RunId id) {
        return sql.transaction(transaction -> transaction
                .query(ONE_SNAPSHOT)
                .execute()
                .compose(_ -> DagRunRepository.get(transaction, tenant, id))
                .compose(run -> run.isEmpty()
                        ? Future.succeededFuture(Optional.empty())
                        : TaskInstanceRepository.getByRunId(transaction, tenant, id)
                                .compose(tasks -> lastNumber(transaction, id)
                                        .map(number -> Optional.of(new RunSnapshot(number, run.get(), tasks))))));
    }

    private static Future<Long> lastNumber(SqlConnection transaction, RunId run) {
        return transaction
                .preparedQuery(GET_LAST_NUMBER)
                .execute(Tuple.of(run.value()))
                .map(rows -> rows.iterator().next().getLong("seq"));
    }

    /** One task of a run that came into a state. */
    public record Change(int taskNumber, TaskState state, int attempt, Optional<WorkerId> worker) {}

    /** What one transaction did to one run; {@code runState} where that changed too. */
    public record StoredEvent(long number, RunId run, Instant at, List<Change> changes, Optional<RunState> runState) {}

    /** A run and the number of the last of its events that is known. */
    public record Known(RunId run, long number) {}

    /** How a run stands, absent where it is gone, and the events behind what was known of it. */
    public record News(RunId run, Optional<RunState> state, List<StoredEvent> events) {}

    /** The news of these runs, in their order, of each at most {@code limit} events. */
    public Future<List<News>> news(List<Known> runs, int limit) {
        var ids = runs.stream().map(known -> known.run().value()).toArray(UUID[]::new);
        var numbers = runs.stream().map(Known::number).toArray(Long[]::new);
        return sql.run(READ_NEWS, Tuple.tuple().addValue(ids).addValue(numbers).addValue(limit))
                .map(EventRepository::news);
    }

    private static List<News> news(RowSet<Row> rows) {
        var news = new ArrayList<News>();
        for (var row : rows) {
            var run = new RunId(row.getUUID("run_id"));
            if (news.isEmpty() || !news.getLast().run().equals(run)) {
                var state = Optional.ofNullable(row.getString("state_now")).map(RunState::ofWireName);
                news.add(new News(run, state, new ArrayList<>()));
            }
            if (row.getLong("seq") != null) {
                news.getLast().events().add(event(row));
            }
        }
        return news;
    }

    /** How far an attempt that runs has come, in percent. */
    public record Progress(RunId run, int taskNumber, int attempt, int percent) {}

    /** Of these runs what runs and has told how far it is. */
    public Future<List<Progress>> progress(List<RunId> runs) {
        var ids = runs.stream().map(RunId::value).toArray(UUID[]::new);
        return sql.run(READ_PROGRESS, Tuple.tuple().addValue(ids))
                .map(rows -> Rows.list(
                        rows,
                        row -> new Progress(
                                new RunId(row.getUUID("run_id")),
                                new TaskInstanceId(row.getUUID("task_id")).taskNumber(),
                                row.getShort("attempt"),
                                row.getShort("progress"))));
    }

    /** The events of one run behind the one of this number. */
    public Future<List<StoredEvent>> read(RunId run, long after, int limit) {
        return sql.run(READ_EVENTS, Tuple.of(run.value(), after, limit))
                .map(rows -> Rows.list(rows, EventRepository::event));
    }

    private static StoredEvent event(Row row) {
        var node = row.getUUID("node_id");
        var numbers = row.getArrayOfIntegers("task_nos");
        var states = row.getArrayOfStrings("tos");
        var attempts = row.getArrayOfShorts("attempts");
        var workers = row.getArrayOfShorts("workers");
        var changes = new ArrayList<Change>(numbers.length);
        for (var i = 0; i < numbers.length; i++) {
            Optional<WorkerId> worker = node == null || workers[i] == null
                    ? Optional.empty()
                    : Optional.of(WorkerId.of(new NodeId(node), workers[i]));
            changes.add(new Change(numbers[i], TaskState.ofWireName(states[i]), attempts[i], worker));
        }
        return new StoredEvent(
                row.getLong("seq"),
                new RunId(row.getUUID("run_id")),
                Rows.time(row, "at"),
                changes,
                Optional.ofNullable(row.getString("run_state")).map(RunState::ofWireName));
    }
}
