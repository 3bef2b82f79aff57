package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A task whose node dies whenever it runs: the real jar, killed with SIGKILL each time. */
class PoisonE2E {

    private static final int DEATHS = 3;
    private static final int OTHERS = 50;

    @TempDir
    Path folder;

    @Test
    void aTaskThatThreeNodesDiedOfIsSetAsideAndAllElseIsDone() throws IOException {
        var runs = folder.resolve("runs");
        var poison = new JsonObject()
                .put("name", "poison")
                .put("type", "shell")
                .put("maxRetries", 0)
                .put("command", "touch " + runs + "; sleep 600");
        for (var death = 1; death <= DEATHS; death++) {
            try (var node = NodeProcess.start(folder.resolve("data"))) {
                if (death == 1) {
                    submit(node, "/api/v1/tasks", poison);
                }
                until("the poison runs", () -> Files.exists(runs));
                until("the database knows", () -> count(node, "running") == 1);
                Files.delete(runs);
                node.kill();
            }
        }

        try (var node = NodeProcess.start(folder.resolve("data"))) {
            until("the poison is set aside", () -> letters(node).size() == 1);
            submit(
                    node,
                    "/api/v1/tasks/batch",
                    new JsonObject()
                            .put(
                                    "tasks",
                                    new JsonArray(Collections.nCopies(
                                            OTHERS,
                                            new JsonObject()
                                                    .put("type", "shell")
                                                    .put("command", "true")))));
            until("all others are done", () -> count(node, "completed") == OTHERS);

            var letter = letters(node).getJsonObject(0);
            assertThat(letter.getString("name")).isEqualTo("poison");
            assertThat(letter.getString("error"))
                    .contains("three nodes were lost while they ran this task, so it is not tried again");
            assertThat(runs).doesNotExist();
            assertThat(node.stop()).isZero();
        }
    }

    private static void submit(NodeProcess node, String path, JsonObject body) throws IOException {
        var answer = node.post(path, body.encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    }

    private static JsonArray letters(NodeProcess node) {
        return items(node, "/api/v1/dead-letters");
    }

    private static int count(NodeProcess node, String state) {
        return items(node, "/api/v1/tasks?limit=500&state=" + state).size();
    }

    private static JsonArray items(NodeProcess node, String path) {
        try {
            return new JsonObject(node.get(path).body()).getJsonArray("items");
        } catch (IOException e) {
            throw new UncheckedIOException(path, e);
        }
    }
}
