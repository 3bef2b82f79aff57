package dev.orrery.fault;

import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import dev.orrery.fault.History.Change;
import dev.orrery.fault.History.Claim;
import dev.orrery.fault.History.Effect;
import dev.orrery.fault.History.NodeStart;
import dev.orrery.fault.History.Sign;
import dev.orrery.fault.History.StoredRun;
import dev.orrery.fault.History.TaskKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the records of the database, and the file of the tasks' processes. */
final class Records {

    private static final String RUNS = """
            SELECT r.id::text, d.name, r.state::text, r.completed_at
            FROM dag_runs r JOIN dags d ON d.id = r.dag_id
            WHERE d.name = ANY (?)
            """;

    private static final String CHANGES = """
            SELECT e.seq, e.at, e.node_id::text, e.run_id::text, t.task_id, m.from_state::text, m.to_state::text, m.attempt, m.fence
            FROM dag_runs r
            JOIN dags d ON d.id = r.dag_id
            JOIN task_events e ON e.run_id = r.id
            CROSS JOIN LATERAL unnest(e.task_nos, e.froms, e.tos, e.attempts, e.fences)
                 WITH ORDINALITY m(task_no, from_state, to_state, attempt, fence, place)
            JOIN dag_tasks t ON t.version_id = r.version_id AND t.task_no = m.task_no
            WHERE d.name = ANY (?)
            ORDER BY e.run_id, e.seq, m.place
            """;

    private static final String UNKNOWN_STARTS = """
            SELECT r.id::text, i.task_id, a.fence
            FROM dag_runs r
            JOIN dags d ON d.id = r.dag_id
            JOIN task_instances i ON i.run_id = r.id
            JOIN task_attempts a ON a.task_id = i.id
            WHERE d.name = ANY (?) AND a.outcome = 'lost' AND a.started_at IS NULL
            """;

    private static final String DEAD_LETTERS = """
            SELECT l.run_id::text, i.task_id
            FROM dead_letters l
            JOIN task_instances i ON i.id = l.task_id
            JOIN dag_runs r ON r.id = l.run_id
            JOIN dags d ON d.id = r.dag_id
            WHERE d.name = ANY (?) AND l.state <> 'redriven'
            """;

    private final Connection connection;
    private final Set<String> dags;

    /** Of the runs of these DAGs. */
    Records(Connection connection, Set<String> dags) {
        this.connection = connection;
        this.dags = dags;
    }

    @FunctionalInterface
    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    List<StoredRun> runs() throws SQLException {
        return rows(
                RUNS,
                row -> new StoredRun(
                        row.getString(1), row.getString(2), RunState.ofWireName(row.getString(3)), instant(row, 4)));
    }

    List<Change> changes() throws SQLException {
        return rows(
                CHANGES,
                row -> new Change(
                        row.getLong(1),
                        java.util.Objects.requireNonNull(instant(row, 2)),
                        row.getString(3),
                        new TaskKey(row.getString(4), row.getString(5)),
                        TaskState.ofWireName(row.getString(6)),
                        TaskState.ofWireName(row.getString(7)),
                        row.getInt(8),
                        row.getLong(9)));
    }

    Set<Claim> unknownStarts() throws SQLException {
        return new HashSet<>(rows(
                UNKNOWN_STARTS, row -> new Claim(new TaskKey(row.getString(1), row.getString(2)), row.getLong(3))));
    }

    Set<TaskKey> deadLetters() throws SQLException {
        return new HashSet<>(rows(DEAD_LETTERS, row -> new TaskKey(row.getString(1), row.getString(2))));
    }

    List<NodeStart> nodes() throws SQLException {
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT id::text, name FROM nodes")) {
            var nodes = new ArrayList<NodeStart>();
            while (rows.next()) {
                nodes.add(new NodeStart(rows.getString(1), rows.getString(2)));
            }
            return nodes;
        }
    }

    private <T> List<T> rows(String sql, Row<T> reader) throws SQLException {
        try (var statement = connection.prepareStatement(sql)) {
            statement.setArray(1, connection.createArrayOf("text", dags.toArray()));
            try (var rows = statement.executeQuery()) {
                var read = new ArrayList<T>();
                while (rows.next()) {
                    read.add(reader.read(rows));
                }
                return read;
            }
        }
    }

    private static @Nullable Instant instant(ResultSet row, int column) throws SQLException {
        var time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    /**
     * The lines that processes appended: seconds since the machine started, run, task, attempt, fence, address of the node's
     * API, sign, number of the named lock. {@code names}: the names of nodes by the ports of their APIs.
     */
    static List<Effect> effects(Path file, Map<Integer, String> names) throws IOException {
        if (!Files.exists(file)) {
            return List.of();
        }
        var start = startOfMachine();
        var effects = new ArrayList<Effect>();
        for (var line : Files.readAllLines(file)) {
            var part = line.split(" ");
            if (part.length != 8) {
                throw new IOException("a line of " + file + " is broken: " + line);
            }
            var port = java.net.URI.create(part[5]).getPort();
            effects.add(new Effect(
                    new TaskKey(part[1], part[2]),
                    Integer.parseInt(part[3]),
                    Long.parseLong(part[4]),
                    names.getOrDefault(port, part[5]),
                    Sign.valueOf(part[6]),
                    start.plusMillis(millis(part[0])),
                    Long.parseLong(part[7])));
        }
        return effects;
    }

    private static Instant startOfMachine() throws IOException {
        var uptime = Files.readString(Path.of("/proc/uptime")).split(" ")[0];
        return Instant.now().minusMillis(millis(uptime));
    }

    private static long millis(String seconds) {
        return Math.round(Double.parseDouble(seconds) * 1000);
    }
}
