package dev.orrery.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar examines the database of a node that works. */
class DoctorE2E {

    private static final String DAG = """
            tasks:
              - { id: a, type: handler, handler: sleep, input: { ms: 5 } }
              - { id: b, type: handler, handler: sleep, input: { ms: 5 }, dependencies: [a] }
              - { id: c, type: handler, handler: sleep, input: { ms: 5 }, dependencies: [a, b] }
            """;

    @TempDir
    Path folder;

    private record Ended(int code, String output) {}

    @Test
    void aNodeThatWorksIsInOrderAndWhatIsNotIsExplained() throws Exception {
        try (var node = NodeProcess.start(folder.resolve("data"))) {
            work(node);
            var lasting =
                    submitted(node, "{\"type\": \"handler\", \"handler\": \"sleep\", \"input\": {\"ms\": 600000}}");
            Await.until("it is claimed", () -> count(node, "SELECT count(*) FROM claim_batches") > 0);

            var busy = doctor();
            assertThat(busy.output()).contains("checks: 0 found something, 0 could not be made");
            assertThat(busy.code()).isZero();
            assertThat(count(node, "SELECT count(*) FROM claim_batches")).isPositive();

            node.post("/api/v1/tasks/" + lasting + "/cancel", "{}");
            Await.until("all is done", () -> open(node) == 0);
            try (var database = node.database();
                    var statement = database.createStatement()) {
                statement.execute("UPDATE dag_runs SET failed = 7 WHERE id IN (SELECT id FROM dag_runs LIMIT 1)");
                statement.execute("INSERT INTO cancel_requests (task_id, node_id, fence)"
                        + " SELECT id, id, 1 FROM task_instances LIMIT 3");
            }
            var text = doctor();
            assertThat(text.code()).isEqualTo(1);
            assertThat(text.output())
                    .contains("cancels: 3", "what should hold: who is asked to end is claimed", "cure: ");

            var json = doctor("--json");
            assertThat(json.code()).isEqualTo(1);
            var document = new JsonObject(json.output());
            assertThat(document.getString("status")).isEqualTo("found");
            var found = document.getJsonArray("findings").stream()
                    .map(JsonObject.class::cast)
                    .filter(finding -> finding.getString("outcome").equals("found"))
                    .toList();
            assertThat(found).singleElement().satisfies(finding -> {
                assertThat(finding.getString("check")).isEqualTo("cancels");
                assertThat(finding.getInteger("count")).isEqualTo(3);
                assertThat(finding.getJsonArray("examples")).hasSize(3);
            });
        }

        var stopped = doctor();
        assertThat(stopped.code()).isEqualTo(2);
        assertThat(stopped.output()).contains("no PostgreSQL runs in", "orrery node --data-dir");
        assertThat(new JsonObject(doctor("--json").output().lines().findFirst().orElseThrow()).getString("status"))
                .isEqualTo("not_checked");
    }

    @Test
    void ofAClusterTheDoctorTellsNothingButWhatItFinds() throws Exception {
        try (var etcd = Etcd.start(1);
                var server = Postgres.safe();
                var database = server.empty();
                var node = NodeProcess.start(
                        folder.resolve("data"),
                        "--config",
                        "conf/cluster.yaml",
                        "--database-url",
                        database.url(),
                        "--etcd",
                        etcd.endpoints().getFirst())) {
            assertThat(node.output()).doesNotContain("Unsafe");

            var told = doctor(
                    "--database-url", database.url(), "--etcd", etcd.endpoints().getFirst());

            assertThat(told.output()).contains("✔ etcd-leader");
            assertThat(told.output().lines().filter(line -> !line.isBlank()))
                    .allMatch(line -> line.startsWith("✔ ") || line.matches("[0-9]+ checks: 0 found something, 0 .*"));
            assertThat(told.code()).isZero();
        }
    }

    private static void work(NodeProcess node) throws IOException {
        var dag = new JsonObject(node.post(
                                "/api/v1/dags",
                                new JsonObject()
                                        .put("name", "busy")
                                        .put("yaml", DAG)
                                        .encode())
                        .body())
                .getString("id");
        for (var run = 0; run < 40; run++) {
            node.post("/api/v1/dags/" + dag + "/runs", "{}");
        }
        var tasks = new JsonArray(IntStream.range(0, 200)
                .mapToObj(n -> new JsonObject()
                        .put("name", "t" + n)
                        .put("type", "handler")
                        .put("handler", "sleep")
                        .put("input", new JsonObject().put("ms", 100)))
                .toList());
        var answer = node.post(
                "/api/v1/tasks/batch", new JsonObject().put("tasks", tasks).encode());
        assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
    }

    private static String submitted(NodeProcess node, String task) throws IOException {
        var answer = node.post("/api/v1/tasks", task);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new JsonObject(answer.body()).getString("id");
    }

    private static int open(NodeProcess node) {
        return count(
                node,
                "SELECT (SELECT count(*) FROM dag_runs WHERE completed_at IS NULL)"
                        + " + (SELECT count(*) FROM task_ready) + (SELECT count(*) FROM claim_batches)");
    }

    private static int count(NodeProcess node, String query) {
        try (var database = node.database();
                var statement = database.createStatement();
                var row = statement.executeQuery(query)) {
            row.next();
            return row.getInt(1);
        } catch (java.sql.SQLException e) {
            throw new AssertionError(e);
        }
    }

    private Ended doctor(String... arguments) throws IOException, InterruptedException {
        var command = NodeProcess.commandLine("doctor", "--data-dir");
        command.add(folder.resolve("data").toString());
        command.addAll(List.of(arguments));
        var process = NodeProcess.withoutSettings(new ProcessBuilder(command))
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), output);
    }
}
