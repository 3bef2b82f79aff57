package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.store.DagRunRepository.StoredRun;
import dev.orrery.store.TaskInstanceRepository.StoredInstance;
import io.vertx.core.Future;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The history of task states. Only what lies below the oldest open transaction is read, in the order (transaction,
 * number): so nothing ever appears behind a reader's place.
 */
public final class EventRepository {

    // The columns are named with their table: a bare xid would order by the text of it, where 100 comes before 99.
    // language=PostgreSQL
    static final String READ_EVENTS = """
            SELECT e.xid::text AS xid, e.seq, e.run_id, e.node_id, e.at, e.run_state, e.task_nos, e.tos::text[] AS tos,
                   e.attempts, e.workers
            FROM task_events e
            WHERE (e.xid, e.seq) > ($1::text::xid8, $2::bigint) AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY e.xid, e.seq
            LIMIT $3
            """;

    // language=PostgreSQL
    static final String READ_EVENTS_OF_RUN = """
            SELECT e.xid::text AS xid, e.seq, e.run_id, e.node_id, e.at, e.run_state, e.task_nos, e.tos::text[] AS tos,
                   e.attempts, e.workers
            FROM task_events e
            WHERE e.run_id = $4 AND (e.xid, e.seq) > ($1::text::xid8, $2::bigint)
              AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY e.xid, e.seq
            LIMIT $3
            """;

    // language=PostgreSQL
    static final String GET_END = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xid";

    // language=PostgreSQL
    static final String ONE_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";

    // language=PostgreSQL
    static final String GET_SNAPSHOT = "SELECT pg_current_snapshot()::text AS snapshot";

    private final Pool sql;

    public EventRepository(Pool sql) {
        this.sql = sql;
    }

    /** A run and its tasks as one snapshot of the database saw them. */
    public record RunSnapshot(Snapshot seen, StoredRun run, List<StoredInstance> tasks) {}

    /** Reads a run with all its tasks in one snapshot; nothing where there is no such run. */
    public Future<Optional<RunSnapshot>> snapshot(TenantId tenant, RunId id) {
        return sql.withTransaction(transaction -> transaction
                .query(ONE_SNAPSHOT)
                .execute()
                .compose(_ -> transaction.query(GET_SNAPSHOT).execute())
                .map(rows -> Snapshot.parse(rows.iterator().next().getString("snapshot")))
                .compose(seen -> new DagRunRepository(transaction)
                        .get(tenant, id)
                        .compose(run -> run.isEmpty()
                                ? Future.succeededFuture(Optional.empty())
                                : new TaskInstanceRepository(transaction)
                                        .getByRunId(tenant, id)
                                        .map(tasks -> Optional.of(new RunSnapshot(seen, run.get(), tasks))))));
    }

    /** Which transactions a snapshot of the database sees: PostgreSQL's {@code xmin:xmax:xip,…}. */
    public record Snapshot(long xmin, long xmax, Set<Long> open) {

        static Snapshot parse(String text) {
            var parts = text.split(":", -1);
            var open = new HashSet<Long>();
            for (var xid : parts[2].split(",", -1)) {
                if (!xid.isEmpty()) {
                    open.add(Long.parseLong(xid));
                }
            }
            return new Snapshot(Long.parseLong(parts[0]), Long.parseLong(parts[1]), Set.copyOf(open));
        }

        public boolean sees(Place place) {
            return place.xid() < xmin || (place.xid() < xmax && !open.contains(place.xid()));
        }

        /** From where a reader goes on; what it meets there may have been seen. */
        public Place place() {
            return new Place(xmin, 0);
        }
    }

    /** A place in the history: all up to and with the event of this transaction and number. */
    public record Place(long xid, long seq) implements Comparable<Place> {

        @Override
        public int compareTo(Place other) {
            var byXid = Long.compare(xid, other.xid);
            return byXid != 0 ? byXid : Long.compare(seq, other.seq);
        }

        @Override
        public String toString() {
            return xid + "-" + seq;
        }

        /** The place of a text such as {@code 812-44}; nothing for anything else. */
        public static Optional<Place> parse(String text) {
            var dash = text.indexOf('-');
            try {
                return dash < 0
                        ? Optional.empty()
                        : Optional.of(new Place(
                                Long.parseLong(text.substring(0, dash)), Long.parseLong(text.substring(dash + 1))));
            } catch (NumberFormatException _) {
                return Optional.empty();
            }
        }
    }

    /** One task of a run that came into a state. */
    public record Change(int taskNumber, TaskState state, int attempt, Optional<WorkerId> worker) {}

    /** What one transaction did to one run; {@code runState} where that changed too. */
    public record StoredEvent(Place place, RunId run, Instant at, List<Change> changes, Optional<RunState> runState) {}

    /** The place behind everything that can be read now. */
    public Future<Place> end() {
        return sql.preparedQuery(GET_END)
                .execute()
                .map(rows -> new Place(Long.parseLong(rows.iterator().next().getString("xid")), 0));
    }

    /** The events of all runs behind a place. */
    public Future<List<StoredEvent>> read(Place after, int limit) {
        return sql.preparedQuery(READ_EVENTS)
                .execute(Tuple.of(Long.toString(after.xid()), after.seq(), limit))
                .map(rows -> Rows.list(rows, EventRepository::event));
    }

    /** The events of one run behind a place. */
    public Future<List<StoredEvent>> read(RunId run, Place after, int limit) {
        return sql.preparedQuery(READ_EVENTS_OF_RUN)
                .execute(Tuple.of(Long.toString(after.xid()), after.seq(), limit, run.value()))
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
                new Place(Long.parseLong(row.getString("xid")), row.getLong("seq")),
                new RunId(row.getUUID("run_id")),
                Rows.time(row, "at"),
                changes,
                Optional.ofNullable(row.getString("run_state")).map(RunState::ofWireName));
    }
}
