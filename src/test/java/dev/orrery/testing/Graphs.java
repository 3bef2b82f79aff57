package dev.orrery.testing;

import dev.orrery.domain.DagId;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.Json;
import dev.orrery.domain.LockName;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskGraph;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.RetryPolicy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Makes small DAGs for tests, and publishes them by bare SQL. */
public final class Graphs {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private Graphs() {}

    /** Handler tasks from lines such as {@code "c <- a b"}: what waits for what. */
    public static List<TaskDefinition> tasks(String... lines) {
        var tasks = new ArrayList<TaskDefinition>();
        for (var line : lines) {
            var sides = line.split("<-", -1);
            var upstreams = new LinkedHashSet<TaskId>();
            if (sides.length > 1) {
                for (var id : sides[1].trim().split("\\s+")) {
                    upstreams.add(new TaskId(id));
                }
            }
            tasks.add(task(sides[0].trim(), upstreams, TaskDefinition.DEFAULT_PRIORITY));
        }
        return tasks;
    }

    public static TaskDefinition task(String id, Set<TaskId> upstreams, int priority) {
        return new TaskDefinition(
                new TaskId(id),
                id,
                new TaskType.Handler("noop", Json.NULL),
                TaskDefinition.DEFAULT_TIMEOUT,
                RetryPolicy.DEFAULT,
                upstreams,
                priority,
                TaskDefinition.DEFAULT_QUEUE);
    }

    /** Publishes the tasks as version 1 of a new DAG. */
    public static DagId publish(TestDatabase database, List<TaskDefinition> tasks) throws SQLException {
        return publish(database, tasks, Optional.empty());
    }

    /** The same for a DAG with this lock. */
    public static DagId publish(TestDatabase database, List<TaskDefinition> tasks, Optional<LockName> lock)
            throws SQLException {
        var id = new DagId(IDS.next(System.currentTimeMillis()));
        try (var connection = database.connect()) {
            connection.setAutoCommit(false);
            var version = insertDag(connection, id, tasks.size());
            insertTasks(connection, version, tasks);
            lock(connection, version, tasks, lock);
            connection.commit();
        }
        return id;
    }

    private static int insertDag(Connection connection, DagId id, int taskCount) throws SQLException {
        try (var dag =
                connection.prepareStatement("INSERT INTO dags (id, tenant_id, name, definition, timezone, version,"
                        + " task_count) VALUES (?, 1, ?, '{}', 'UTC', 1, ?)")) {
            dag.setObject(1, id.value());
            dag.setString(2, "dag-" + id);
            dag.setInt(3, taskCount);
            dag.executeUpdate();
        }
        try (var version = connection.prepareStatement("INSERT INTO dag_versions (dag_id, version, yaml, definition,"
                + " task_count) VALUES (?, 1, '', '{}', ?) RETURNING id")) {
            version.setObject(1, id.value());
            version.setInt(2, taskCount);
            try (var rows = version.executeQuery()) {
                rows.next();
                return rows.getInt(1);
            }
        }
    }

    private static void lock(Connection connection, int version, List<TaskDefinition> tasks, Optional<LockName> dagLock)
            throws SQLException {
        for (var n = 0; n <= tasks.size(); n++) {
            var lock = n == 0 ? dagLock : tasks.get(n - 1).lock();
            if (lock.isPresent()) {
                lock(connection, version, n, lock.get());
            }
        }
    }

    private static void lock(Connection connection, int version, int number, LockName lock) throws SQLException {
        try (var add = connection.prepareStatement(
                        "INSERT INTO locks (tenant_id, name) VALUES (1, ?) ON CONFLICT DO NOTHING");
                var ofDag = connection.prepareStatement("UPDATE dag_versions SET has_locks = true, lock_id = CASE"
                        + " WHEN ? = 0 THEN (SELECT id FROM locks WHERE name = ?) ELSE lock_id END WHERE id = ?");
                var ofTask = connection.prepareStatement("UPDATE dag_tasks SET lock_id = (SELECT id FROM locks WHERE"
                        + " name = ?) WHERE version_id = ? AND task_no = ?")) {
            add.setString(1, lock.value());
            add.executeUpdate();
            ofDag.setInt(1, number);
            ofDag.setString(2, lock.value());
            ofDag.setInt(3, version);
            ofDag.executeUpdate();
            ofTask.setString(1, lock.value());
            ofTask.setInt(2, version);
            ofTask.setInt(3, number);
            ofTask.executeUpdate();
        }
    }

    private static void insertTasks(Connection connection, int version, List<TaskDefinition> tasks)
            throws SQLException {
        var graph = TaskGraph.of(tasks);
        var urgencies = graph.urgencies();
        try (var task = connection.prepareStatement(
                        "INSERT INTO dag_tasks VALUES (?, ?, ?, ?, ?::task_type, ?, ?, ?)");
                var edge = connection.prepareStatement("INSERT INTO dag_edges VALUES (?, ?, ?)")) {
            for (var n = 0; n < tasks.size(); n++) {
                task.setInt(1, version);
                task.setInt(2, n + 1);
                task.setString(3, tasks.get(n).id().value());
                task.setString(4, tasks.get(n).name());
                task.setString(5, tasks.get(n).type().wireName());
                task.setString(6, tasks.get(n).queue());
                task.setDouble(7, urgencies.get(n).priority());
                task.setInt(8, tasks.get(n).dependencies().size());
                task.addBatch();
                for (var upstream : graph.upstreams(n)) {
                    edge.setInt(1, version);
                    edge.setInt(2, upstream + 1);
                    edge.setInt(3, n + 1);
                    edge.addBatch();
                }
            }
            task.executeBatch();
            edge.executeBatch();
        }
    }
}
