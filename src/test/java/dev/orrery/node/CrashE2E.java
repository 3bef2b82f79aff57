package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar, killed and started again on the same folder. */
class CrashE2E {

    private static final int RUNS = 10;
    private static final int TASKS = 100;

    @TempDir
    Path folder;

    @Test
    void aNodeKilledInTheMiddleOfAThousandTasksEndsEachOfThemOnce() throws Exception {
        var accepted = new ArrayList<String>();
        Instant killedAt;
        try (var node = NodeProcess.start(folder.resolve("data"))) {
            var dag = publish(node, "work", mixedTasks());
            for (var n = 0; n < RUNS; n++) {
                accepted.add(trigger(node, dag));
            }
            until("some tasks have ended", () -> ended(node) > 200);
            killedAt = Instant.now();
            node.kill();
        }

        try (var node = NodeProcess.start(folder.resolve("data"))) {
            for (var run : accepted) {
                until("run " + run + " has ended", () -> state(node, run).equals("succeeded"));
            }

            assertThat(numbers(node, "SELECT count(*) FROM task_attempts WHERE finished_at > '" + killedAt + "'"))
                    .as("it was killed in the middle")
                    .allSatisfy(late -> assertThat(late).isPositive());
            assertThat(numbers(node, "SELECT count(*) FROM task_attempts WHERE state = 'succeeded'"))
                    .containsExactly((long) RUNS * TASKS);
            assertThat(numbers(node, "SELECT count(DISTINCT task_id) FROM task_attempts WHERE state = 'succeeded'"))
                    .containsExactly((long) RUNS * TASKS);
            assertThat(numbers(node, "SELECT count(*) FROM task_attempts WHERE outcome IS NULL"))
                    .containsExactly(0L);
            assertThat(numbers(
                            node,
                            "SELECT (SELECT count(*) FROM task_ready) + (SELECT count(*) FROM task_wait)"
                                    + " + (SELECT count(*) FROM claim_batches) + (SELECT count(*) FROM task_timers)"))
                    .containsExactly(0L);
            assertThat(node.stop()).isZero();
        }
    }

    /** Half of them wait for another one; some take a while, so that a kill meets them in every state. */
    private static String mixedTasks() {
        return IntStream.range(0, TASKS)
                .mapToObj(n -> "  - id: t" + n + "\n    type: handler\n"
                        + (n % 5 == 0 ? "    handler: sleep\n    input: { ms: 100 }\n" : "    handler: noop\n")
                        + (n < TASKS / 2 ? "" : "    dependencies: [t" + (n - TASKS / 2) + "]\n"))
                .collect(Collectors.joining("", "tasks:\n", ""));
    }

    private static String publish(NodeProcess node, String name, String yaml) throws IOException {
        var answer = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", name).put("yaml", yaml).encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new JsonObject(answer.body()).getString("id");
    }

    private static String trigger(NodeProcess node, String dag) throws IOException {
        var answer = node.post("/api/v1/dags/" + dag + "/runs", "{}");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(202);
        return new JsonObject(answer.body()).getString("runId");
    }

    private static String state(NodeProcess node, String run) {
        return new JsonObject(body(node, "/api/v1/runs/" + run)).getString("state");
    }

    private static long ended(NodeProcess node) {
        return new JsonArray(body(node, "/api/v1/runs?limit=" + RUNS))
                .stream()
                        .map(run -> ((JsonObject) run).getString("runId"))
                        .flatMap(
                                run -> new JsonObject(body(node, "/api/v1/runs/" + run)).getJsonArray("tasks").stream())
                        .filter(task -> ((JsonObject) task).getString("state").equals("succeeded"))
                        .count();
    }

    private static String body(NodeProcess node, String path) {
        try {
            return node.get(path).body();
        } catch (IOException e) {
            throw new AssertionError(path, e);
        }
    }

    private static List<Long> numbers(NodeProcess node, String sql) throws SQLException {
        try (var connection = node.database();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            var numbers = new ArrayList<Long>();
            while (rows.next()) {
                numbers.add(rows.getLong(1));
            }
            return numbers;
        }
    }
}
