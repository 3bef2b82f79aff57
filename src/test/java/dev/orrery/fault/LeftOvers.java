package dev.orrery.fault;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** What should be gone when all work is done, or all nodes are. */
final class LeftOvers {

    /** Tables that hold only what is not done. */
    private static final String OPEN_WORK = """
            SELECT 'rows of ' || name || ': ' || count FROM (
                SELECT 'task_wait' AS name, count(*) AS count FROM task_wait
                UNION ALL SELECT 'task_ready', count(*) FROM task_ready
                UNION ALL SELECT 'claim_batches', count(*) FROM claim_batches
                UNION ALL SELECT 'task_timers', count(*) FROM task_timers
                UNION ALL SELECT 'lock_waits', count(*) FROM lock_waits
                UNION ALL SELECT 'locks held', count(*) FROM locks WHERE holder IS NOT NULL
                UNION ALL SELECT 'cancel_requests', count(*) FROM cancel_requests) open
            WHERE count > 0
            """;

    private static final String CONNECTIONS = """
            SELECT 'connection ' || pid || ' ' || application_name || ': ' || state
            FROM pg_stat_activity
            WHERE datname = current_database() AND application_name <> 'fault-suite' AND backend_type = 'client backend'
            """;

    private LeftOvers() {}

    /** After all runs have ended: rows of open work, processes of tasks, folders of attempts. */
    static List<String> ofEndedWork(FaultCluster cluster) {
        var left = new ArrayList<>(rows(cluster, OPEN_WORK));
        left.addAll(Processes.mentioning("ORRERY_RUN_DIR=" + cluster.folder(), List.of()));
        for (var node : cluster.nodes()) {
            left.addAll(attemptFolders(cluster.folder().resolve(node.name())));
        }
        return left;
    }

    /** After all nodes have ended: their connections and whatever still names our folder. */
    static List<String> ofStoppedNodes(FaultCluster cluster) {
        var left = new ArrayList<>(rows(cluster, CONNECTIONS));
        Processes.mentioning(cluster.folder().toString(), List.of()).stream()
                .filter(process -> !process.contains("postgres"))
                .forEach(left::add);
        return left;
    }

    private static List<String> rows(FaultCluster cluster, String sql) {
        try (var connection = cluster.database().connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            var texts = new ArrayList<String>();
            while (rows.next()) {
                texts.add(rows.getString(1));
            }
            return texts;
        } catch (SQLException e) {
            return List.of("the database cannot be asked: " + e.getMessage());
        }
    }

    /** Folders of attempts are called {@code <instance>-<attempt>-<fence>}. */
    private static List<String> attemptFolders(Path dataDir) {
        try (var files = Files.walk(dataDir, 4)) {
            return files.filter(Files::isDirectory)
                    .filter(path -> path.getFileName().toString().matches("[0-9a-f-]{36}-[0-9]+-[0-9]+"))
                    .map(path -> "folder " + path)
                    .toList();
        } catch (UncheckedIOException | IOException e) {
            return List.of(); // it changes while we look: there is another look
        }
    }
}
