package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples that users copy from, on the real jar. */
class ExamplesE2E {

    @TempDir
    static Path folder;

    private static NodeProcess node;

    @BeforeAll
    static void start() throws IOException {
        node = NodeProcess.start(folder.resolve("data"));
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void everyExampleIsTestedHere() throws IOException {
        try (var files = Files.list(Path.of("conf/examples"))) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".yaml")))
                    .containsExactlyInAnyOrder(
                            "hello.yaml", "log-report.yaml", "fan-out.yaml", "failure.yaml", "one-at-a-time.yaml");
        }
    }

    @Test
    void helloSucceeds() throws IOException {
        assertThat(states(finished("hello", "succeeded")).keySet()).containsExactly("succeeded");
    }

    @Test
    void theReportIsWritten() throws IOException {
        var run = finished("log-report", "succeeded");

        var log = node.get("/api/v1/runs/" + run.getString("runId") + "/tasks/report/logs")
                .body();
        assertThat(log).contains("By hour").contains("By status").contains("Most wanted");
        var status = task(run, "run-status");
        assertThat(status.getJsonObject("output").getInteger("status")).isEqualTo(200);
    }

    @Test
    void theFanOutRunsAHundredTasks() throws IOException {
        assertThat(states(finished("fan-out", "succeeded"))).isEqualTo(Map.of("succeeded", 102));
    }

    @Test
    void noAdditionIsLostUnderALock() throws IOException {
        var run = finished("one-at-a-time", "succeeded");

        assertThat(task(run, "total").getInteger("output")).isEqualTo(15);
    }

    @Test
    void aFailureSkipsWhatStandsBehindItAndTheRestRunsOn() throws IOException {
        var states = states(finished("failure", "failed"));

        assertThat(states.get("failed")).isPositive();
        assertThat(states.get("skipped")).isPositive();
        assertThat(states.get("succeeded")).isPositive();
    }

    private static JsonObject finished(String example, String state) throws IOException {
        var yaml = Files.readString(Path.of("conf/examples/" + example + ".yaml"));
        var dag = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", example).put("yaml", yaml).encode());
        assertThat(dag.statusCode()).as(dag.body()).isEqualTo(201);
        var run = new JsonObject(node.post("/api/v1/dags/" + new JsonObject(dag.body()).getString("id") + "/runs", "{}")
                        .body())
                .getString("runId");
        until(example + " has ended", () -> List.of("succeeded", "failed").contains(run(run).getString("state")));
        var ended = run(run);
        assertThat(ended.getString("state")).as(ended.encodePrettily()).isEqualTo(state);
        return ended;
    }

    private static JsonObject run(String id) {
        try {
            return new JsonObject(node.get("/api/v1/runs/" + id).body());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static JsonObject task(JsonObject run, String id) throws IOException {
        return new JsonObject(node.get("/api/v1/runs/" + run.getString("runId") + "/tasks/" + id)
                .body());
    }

    private static Map<String, Integer> states(JsonObject run) {
        var states = new TreeMap<String, Integer>();
        JsonArray tasks = run.getJsonArray("tasks");
        for (var n = 0; n < tasks.size(); n++) {
            states.merge(tasks.getJsonObject(n).getString("state"), 1, Integer::sum);
        }
        return states;
    }
}
