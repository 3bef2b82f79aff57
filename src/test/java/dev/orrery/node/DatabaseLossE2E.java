package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The database server is killed under a node that works. */
class DatabaseLossE2E {

    @TempDir
    Path folder;

    @Test
    void theNodeComesBackByItselfAndLosesNothing() throws Exception {
        try (var node = NodeProcess.start(folder.resolve("data"))) {
            var dag = id(
                    node.post(
                                    "/api/v1/dags",
                                    new JsonObject()
                                            .put("name", "work")
                                            .put("yaml", tasks())
                                            .encode())
                            .body(),
                    "id");
            var accepted = new ArrayList<String>();
            for (var n = 0; n < 5; n++) {
                accepted.add(id(node.post("/api/v1/dags/" + dag + "/runs", "{}").body(), "runId"));
            }

            var postmaster = Long.parseLong(Files.readAllLines(folder.resolve("data/postgresql/data/postmaster.pid"))
                    .getFirst()
                    .strip());
            ProcessHandle.of(postmaster).orElseThrow().destroyForcibly();
            for (var n = 0; n < 20; n++) {
                var answer = node.post("/api/v1/dags/" + dag + "/runs", "{}");
                assertThat(answer.statusCode()).as(answer.body()).isIn(202, 503);
                if (answer.statusCode() == 202) {
                    accepted.add(id(answer.body(), "runId"));
                } else {
                    assertThat(answer.headers().firstValue("Retry-After")).isPresent();
                }
            }

            for (var run : accepted) {
                until("run " + run + " has succeeded", () -> state(node, run).equals("succeeded"));
            }
            assertThat(node.get("/health/ready").statusCode()).isEqualTo(200);
        }
    }

    private static String tasks() {
        return IntStream.range(0, 50)
                .mapToObj(n -> "  - id: t" + n + "\n    type: handler\n    handler: sleep\n    input: { ms: 20 }\n")
                .collect(Collectors.joining("", "tasks:\n", ""));
    }

    private static String id(String body, String field) {
        var value = new JsonObject(body).getString(field);
        assertThat(value).as(body).isNotNull();
        return value;
    }

    private static String state(NodeProcess node, String run) {
        try {
            var answer = node.get("/api/v1/runs/" + run);
            return answer.statusCode() == 200 ? new JsonObject(answer.body()).getString("state") : "unknown";
        } catch (IOException _) {
            return "unknown";
        }
    }
}
