package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The audit log of a real node that is killed while it changes things. */
class AuditE2E {

    private static final int KILLS = 3;
    private static final int CLIENTS = 4;
    private static final int CHANGES = 40;

    private final HttpClient http = HttpClient.newHttpClient();
    private final AtomicInteger number = new AtomicInteger();
    private final Set<String> jobs = ConcurrentHashMap.newKeySet();
    private final Set<String> tasks = ConcurrentHashMap.newKeySet();

    @TempDir
    Path folder;

    @Test
    void whatIsChangedWhileTheNodeIsKilledAgainAndAgainIsToldOnceAndNothingElseIs() throws Exception {
        for (var kill = 0; kill < KILLS; kill++) {
            try (var node = NodeProcess.start(folder.resolve("data"))) {
                var enough = jobs.size() + CHANGES;
                var clients = clients(node);
                until("some was changed", () -> jobs.size() >= enough);
                node.kill();
                for (var client : clients) {
                    client.join(Duration.ofSeconds(40));
                }
            }
        }

        try (var node = NodeProcess.start(folder.resolve("data"))) {
            assertThat(texts(node, "SELECT id FROM jobs"))
                    .as("what was answered is there")
                    .containsAll(jobs);
            assertThat(texts(node, "SELECT id FROM task_instances WHERE source IS NOT NULL"))
                    .containsAll(tasks);

            assertThat(texts(node, """
                            SELECT coalesce(j.id::text, '-') || ' ' || coalesce(a.resource, '-') || ' ' || coalesce(a.rows, 0)
                            FROM jobs j
                            FULL JOIN (SELECT resource, count(*) AS rows FROM audit_log WHERE kind = 'job' GROUP BY resource) a
                                ON a.resource = j.id::text
                            WHERE a.rows IS DISTINCT FROM 1 OR j.id IS NULL
                            """))
                    .as("each new thing has one entry, each entry its thing")
                    .isEmpty();
            assertThat(texts(node, """
                            SELECT coalesce(i.id::text, '-') || ' ' || coalesce(a.ref::text, '-') || ' ' || coalesce(a.rows, 0)
                            FROM (SELECT id, left(id::text, 28) AS base FROM task_instances WHERE source IS NOT NULL) i
                            FULL JOIN (SELECT min(r.ref::text) AS ref, left(r.ref::text, 28) AS base, count(*) AS rows
                                       FROM audit_log l, unnest(l.refs) r(ref) WHERE l.kind = 'task' GROUP BY 2) a ON a.base = i.base
                            WHERE a.rows IS DISTINCT FROM 1 OR i.id IS NULL
                            """))
                    .as("each task has one entry, each entry its task")
                    .isEmpty();
            assertThat(texts(node, """
                            SELECT a.id FROM (
                                SELECT id, before::text AS was_before, lag(after::text) OVER (ORDER BY id) AS earlier,
                                       row_number() OVER (ORDER BY id) AS n
                                FROM audit_log WHERE kind = 'limit' AND resource = 'shared') a
                            WHERE a.n > 1 AND a.was_before IS DISTINCT FROM a.earlier
                            """))
                    .as("changes of one thing follow one another")
                    .isEmpty();
            assertThat(texts(node, "SELECT max_running FROM limit_rules WHERE pattern = 'shared'"))
                    .as("the last entry tells what is")
                    .isEqualTo(texts(
                            node,
                            "SELECT after->>'maxRunning' FROM audit_log WHERE kind = 'limit'"
                                    + " AND resource = 'shared' ORDER BY id DESC LIMIT 1"));
            assertThat(jobs).hasSizeGreaterThanOrEqualTo(KILLS * CHANGES);
            assertThat(tasks).isNotEmpty();
        }
    }

    private List<Thread> clients(NodeProcess node) {
        var clients = new ArrayList<Thread>();
        for (var n = 0; n < CLIENTS; n++) {
            clients.add(Thread.ofVirtual().start(() -> changeUntilItDies(node)));
        }
        return clients;
    }

    private void changeUntilItDies(NodeProcess node) {
        try {
            while (true) {
                var n = number.incrementAndGet();
                var job = node.post(
                        "/api/v1/jobs",
                        "{\"name\": \"made-" + n
                                + "\", \"type\": \"cron\", \"schedule\": \"0 0 1 1 *\", \"handlerName\": \"noop\"}");
                if (job.statusCode() == 201) {
                    jobs.add(new JsonObject(job.body()).getString("id"));
                }
                put(node, "/api/v1/limits/shared", n);
                var answer = node.post(
                        "/api/v1/tasks",
                        "{\"type\": \"handler\", \"handler\": \"noop\", \"notBefore\": \"2040-01-01T00:00:00Z\"}");
                if (answer.statusCode() == 201) {
                    tasks.add(new JsonObject(answer.body()).getString("id"));
                }
            }
        } catch (IOException | InterruptedException _) {
            // It was killed.
        }
    }

    private int put(NodeProcess node, String path, int maxRunning) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(node.address().resolve(path))
                .header("Content-Type", "application/json")
                .timeout(Duration.ofSeconds(30))
                .PUT(HttpRequest.BodyPublishers.ofString("{\"maxRunning\": " + maxRunning + "}"))
                .build();
        return http.send(request, BodyHandlers.discarding()).statusCode();
    }

    private static List<String> texts(NodeProcess node, String sql) throws SQLException {
        var found = new ArrayList<String>();
        try (var connection = node.database();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                found.add(rows.getString(1));
            }
        }
        return found;
    }
}
