package dev.orrery.api;

import static dev.orrery.api.NodeUnderTest.DAGS;
import static dev.orrery.api.NodeUnderTest.RUNS;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Proxy;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What callers hear of a node whose database is gone for a while. */
class DatabaseAwayIT {

    private static final String SLOW = """
            tasks:
              - { id: first, type: handler, handler: sleep, input: { ms: 300 } }
              - { id: second, type: handler, handler: sleep, input: { ms: 300 }, dependencies: [first] }
            """;

    private Proxy network;
    private NodeUnderTest node;

    @BeforeEach
    void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder, this::throughTheNetwork);
    }

    private String throughTheNetwork(TestDatabase database) {
        try {
            network = new Proxy(database.host(), database.port());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return database.url().replace(":" + database.port() + "/", ":" + network.port() + "/");
    }

    @AfterEach
    void stop() throws IOException {
        network.pass();
        node.close();
        network.close();
    }

    @Test
    void everyCallIsToldToComeBackAndNothingThatWasAcceptedIsLost() {
        var dag = node.publish("work", SLOW);
        var before = node.trigger(dag);
        node.untilTask(before, "first", "running");

        network.cut();

        for (var call : List.of(
                node.client.get(DAGS),
                node.client.get(RUNS + "/" + before),
                node.client
                        .post(DAGS)
                        .json(new JsonObject().put("name", "other").put("yaml", SLOW)),
                node.client.post(DAGS + "/" + dag + "/runs"),
                node.client.post(RUNS + "/" + before + "/cancel"),
                node.client.delete(DAGS + "/" + dag))) {
            var reply = call.send();
            assertThat(reply.status()).as(reply.body().toString()).isEqualTo(503);
            assertThat(reply.code()).isEqualTo("UNAVAILABLE");
            assertThat(Integer.parseInt(reply.header("Retry-After"))).isPositive();
        }
        assertThat(node.client.get("/health/live").send().status()).isEqualTo(200);
        until("it tells that it is not ready", () -> readiness() == 503);

        network.pass();
        until("it is ready again", () -> readiness() == 200);

        assertThat(node.ended(before).getString("state")).isEqualTo("succeeded");
        assertThat(node.ended(node.trigger(dag)).getString("state")).isEqualTo("succeeded");
        assertThat(node.client.get(DAGS).send().array()).hasSize(1);
    }

    private int readiness() {
        return node.client.get("/health/ready").send().status();
    }
}
