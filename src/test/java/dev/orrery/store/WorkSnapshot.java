package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** All rows of the hot path as one snapshot of the database saw them. {@link WorkInvariants} judges them. */
record WorkSnapshot(
        Map<UUID, Run> runs,
        Map<UUID, Integer> versionOfTask,
        Map<UUID, Integer> unmet,
        Map<UUID, Counted> ready,
        Map<UUID, LockWait> lockWaits,
        Map<Integer, Lock> locks,
        Map<Integer, Map<Integer, Integer>> wanted,
        Map<UUID, String> queues,
        Map<UUID, Counted> timers,
        List<Batch> batches,
        Map<UUID, TreeMap<Integer, Attempt>> attempts,
        Set<DeadLetter> deadLetters,
        Map<UUID, Integer> redriven,
        Map<UUID, Request> requests,
        Map<UUID, List<Event>> events,
        Set<AttemptKey> outputs,
        Map<Integer, Map<Integer, Set<Integer>>> upstreams) {

    record Run(int version, RunState state, int remaining, int failed, int cancelled) {}

    /** A row that carries the counts of its task. */
    record Counted(int attempt, int failures) {}

    /** A task that waits for a lock. */
    record LockWait(int lock, Counted counted) {}

    record Lock(String name, @Nullable UUID holder, long fence) {}

    record Batch(long fence, UUID node, int openCount, List<Member> members) {}

    record Member(UUID id, int attempt, int failures) {}

    record Attempt(long fence, @Nullable String outcome, TaskState state, boolean began) {}

    record AttemptKey(UUID task, int attempt) {}

    record DeadLetter(UUID task, int attempt, String outcome) {}

    record Request(UUID node, long fence) {}

    record Event(long seq, @Nullable RunState runState, List<Change> changes) {}

    record Change(int taskNumber, TaskState from, TaskState to, int attempt, long fence) {}

    /** {@code connection}: its transaction is taken for the snapshot and ended. */
    static WorkSnapshot read(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        try {
            return new Reader(connection).read();
        } finally {
            connection.rollback();
        }
    }

    private record Reader(Connection connection) {

        @FunctionalInterface
        private interface RowHandler {
            void accept(ResultSet row) throws SQLException;
        }

        WorkSnapshot read() throws SQLException {
            var runs = new HashMap<UUID, Run>();
            each(
                    "SELECT id, version_id, state, remaining, failed, cancelled FROM dag_runs",
                    row -> runs.put(
                            uuid(row, 1),
                            new Run(
                                    row.getInt(2),
                                    RunState.ofWireName(row.getString(3)),
                                    row.getInt(4),
                                    row.getInt(5),
                                    row.getInt(6))));
            var tasks = new LinkedHashMap<UUID, Integer>();
            each(
                    "SELECT id, version_id FROM task_instances ORDER BY id",
                    row -> tasks.put(uuid(row, 1), row.getInt(2)));
            var unmet = new HashMap<UUID, Integer>();
            each("SELECT id, unmet FROM task_wait", row -> unmet.put(uuid(row, 1), row.getInt(2)));
            return new WorkSnapshot(
                    runs,
                    tasks,
                    unmet,
                    counted("SELECT r.id, r.attempt, r.failures FROM task_ready r WHERE " + ReadyGenerations.IS_SEEN),
                    lockWaits(),
                    locks(),
                    wanted(),
                    queues(),
                    counted("SELECT ref, attempt, failures FROM task_timers"),
                    batches(),
                    attempts(),
                    deadLetters(),
                    redriven(),
                    requests(),
                    events(),
                    outputs(),
                    upstreams());
        }

        private Map<UUID, Counted> counted(String sql) throws SQLException {
            var counted = new HashMap<UUID, Counted>();
            each(sql, row -> counted.put(uuid(row, 1), new Counted(row.getInt(2), row.getInt(3))));
            return counted;
        }

        private Map<UUID, LockWait> lockWaits() throws SQLException {
            var waits = new HashMap<UUID, LockWait>();
            each(
                    "SELECT id, lock_id, attempt, failures FROM lock_waits",
                    row -> waits.put(
                            uuid(row, 1), new LockWait(row.getInt(2), new Counted(row.getInt(3), row.getInt(4)))));
            return waits;
        }

        private Map<Integer, Lock> locks() throws SQLException {
            var locks = new HashMap<Integer, Lock>();
            each(
                    "SELECT id, name, holder, fence FROM locks",
                    row -> locks.put(
                            row.getInt(1), new Lock(row.getString(2), row.getObject(3, UUID.class), row.getLong(4))));
            return locks;
        }

        /** The locks of a version by task number; that of the DAG itself has the number 0. */
        private Map<Integer, Map<Integer, Integer>> wanted() throws SQLException {
            var wanted = new HashMap<Integer, Map<Integer, Integer>>();
            each(
                    "SELECT version_id, task_no, lock_id FROM dag_tasks WHERE lock_id IS NOT NULL"
                            + " UNION ALL SELECT id, 0, lock_id FROM dag_versions WHERE lock_id IS NOT NULL",
                    row -> wanted.computeIfAbsent(row.getInt(1), _ -> new HashMap<>())
                            .put(row.getInt(2), row.getInt(3)));
            return wanted;
        }

        private Map<UUID, String> queues() throws SQLException {
            var queues = new HashMap<UUID, String>();
            each("SELECT id, queue FROM task_instances", row -> queues.put(uuid(row, 1), row.getString(2)));
            return queues;
        }

        private List<Batch> batches() throws SQLException {
            var batches = new ArrayList<Batch>();
            each("SELECT fence, node_id, open_count, ids, attempts, failures FROM claim_batches", row -> {
                var ids = this.<UUID>array(row, 4);
                var attempts = this.<Number>array(row, 5);
                var failures = this.<Number>array(row, 6);
                var members = new ArrayList<Member>();
                for (var n = 0; n < ids.size(); n++) {
                    members.add(new Member(
                            ids.get(n),
                            attempts.get(n).intValue(),
                            failures.get(n).intValue()));
                }
                batches.add(new Batch(row.getLong(1), uuid(row, 2), row.getInt(3), members));
            });
            return batches;
        }

        private Map<UUID, TreeMap<Integer, Attempt>> attempts() throws SQLException {
            var attempts = new HashMap<UUID, TreeMap<Integer, Attempt>>();
            each(
                    "SELECT task_id, attempt, fence, outcome, state, started_at FROM task_attempts",
                    row -> attempts.computeIfAbsent(uuid(row, 1), _ -> new TreeMap<>())
                            .put(
                                    row.getInt(2),
                                    new Attempt(
                                            row.getLong(3),
                                            row.getString(4),
                                            TaskState.ofWireName(row.getString(5)),
                                            row.getObject(6) != null)));
            return attempts;
        }

        private Set<DeadLetter> deadLetters() throws SQLException {
            var letters = new HashSet<DeadLetter>();
            each(
                    "SELECT task_id, attempt, outcome FROM dead_letters WHERE state <> 'redriven'",
                    row -> letters.add(new DeadLetter(uuid(row, 1), row.getInt(2), row.getString(3))));
            return letters;
        }

        /** With which attempt a task last failed for good before it was sent back. */
        private Map<UUID, Integer> redriven() throws SQLException {
            var attempts = new HashMap<UUID, Integer>();
            each(
                    "SELECT task_id, max(attempt) FROM dead_letters WHERE state = 'redriven' GROUP BY task_id",
                    row -> attempts.put(uuid(row, 1), row.getInt(2)));
            return attempts;
        }

        private Map<UUID, Request> requests() throws SQLException {
            var requests = new HashMap<UUID, Request>();
            each(
                    "SELECT task_id, node_id, fence FROM cancel_requests",
                    row -> requests.put(uuid(row, 1), new Request(uuid(row, 2), row.getLong(3))));
            return requests;
        }

        private Map<UUID, List<Event>> events() throws SQLException {
            var events = new HashMap<UUID, List<Event>>();
            each(
                    "SELECT seq, run_id, run_state, task_nos, froms::text[], tos::text[], attempts, fences"
                            + " FROM task_events ORDER BY seq",
                    row -> {
                        var changes = new ArrayList<Change>();
                        var numbers = this.<Number>array(row, 4);
                        for (var n = 0; n < numbers.size(); n++) {
                            changes.add(new Change(
                                    numbers.get(n).intValue(),
                                    TaskState.ofWireName(
                                            this.<String>array(row, 5).get(n)),
                                    TaskState.ofWireName(
                                            this.<String>array(row, 6).get(n)),
                                    this.<Number>array(row, 7).get(n).intValue(),
                                    this.<Number>array(row, 8).get(n).longValue()));
                        }
                        var state = row.getString(3);
                        events.computeIfAbsent(uuid(row, 2), _ -> new ArrayList<>())
                                .add(new Event(
                                        row.getLong(1), state == null ? null : RunState.ofWireName(state), changes));
                    });
            return events;
        }

        private Set<AttemptKey> outputs() throws SQLException {
            var outputs = new HashSet<AttemptKey>();
            each(
                    "SELECT task_id, attempt FROM task_outputs",
                    row -> outputs.add(new AttemptKey(uuid(row, 1), row.getInt(2))));
            return outputs;
        }

        private Map<Integer, Map<Integer, Set<Integer>>> upstreams() throws SQLException {
            var upstreams = new HashMap<Integer, Map<Integer, Set<Integer>>>();
            each(
                    "SELECT version_id, upstream_no, downstream_no FROM dag_edges",
                    row -> upstreams
                            .computeIfAbsent(row.getInt(1), _ -> new HashMap<>())
                            .computeIfAbsent(row.getInt(3), _ -> new HashSet<>())
                            .add(row.getInt(2)));
            return upstreams;
        }

        private void each(String sql, RowHandler handler) throws SQLException {
            try (var statement = connection.createStatement();
                    var rows = statement.executeQuery(sql)) {
                while (rows.next()) {
                    handler.accept(rows);
                }
            }
        }

        private static UUID uuid(ResultSet row, int column) throws SQLException {
            return row.getObject(column, UUID.class);
        }

        @SuppressWarnings("unchecked")
        private <T> List<T> array(ResultSet row, int column) throws SQLException {
            return List.of((T[]) row.getArray(column).getArray());
        }
    }

    static UUID runOf(UUID task) {
        return new TaskInstanceId(task).runId().value();
    }

    static int numberOf(UUID task) {
        return new TaskInstanceId(task).taskNumber();
    }

    /** What a task needs to run: its own lock and its DAG's. */
    Set<Integer> locksOf(UUID task) {
        var wantedByVersion = wanted.getOrDefault(versionOfTask.get(task), Map.of());
        var all = new HashSet<Integer>();
        for (var number : List.of(0, numberOf(task))) {
            if (wantedByVersion.containsKey(number)) {
                all.add(wantedByVersion.get(number));
            }
        }
        return all;
    }

    Set<Integer> upstreamsOf(UUID task) {
        var version = versionOfTask.get(task);
        return upstreams.getOrDefault(version, Map.of()).getOrDefault(numberOf(task), Set.of());
    }
}
