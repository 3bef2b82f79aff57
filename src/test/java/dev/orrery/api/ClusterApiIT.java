package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.MethodName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Nodes and the cluster as callers see them, on a node that has itself alone for company. The last test drains it. */
@TestMethodOrder(MethodName.class)
class ClusterApiIT {

    private static final String NODES = "/api/v1/nodes";

    private static NodeUnderTest node;
    private static ApiClient client;

    @BeforeAll
    static void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
        client = node.client;
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void aNodeTellsOfItself() {
        until("the node leads", () -> self().getBoolean("leader"));

        var self = self();

        assertThat(self.getString("name")).isEqualTo("test");
        assertThat(self.getString("state")).isEqualTo("working");
        assertThat(self.getString("mode")).isEqualTo("standalone");
        assertThat(self.getJsonArray("capabilities")).contains("shell");
        assertThat(self.getInteger("slots")).isEqualTo(8);
        assertThat(self.getLong("heartbeatAgeMs")).isLessThan(5_000);
        until("the node told where it listens", () -> self().getValue("httpAddress") != null);
    }

    @Test
    void allNodesAreTheCluster() {
        until("the node leads", () -> self().getBoolean("leader"));

        var cluster = client.get("/api/v1/cluster").send().json();

        assertThat(cluster.getString("mode")).isEqualTo("standalone");
        assertThat(cluster.getString("leader")).isEqualTo(self().getString("id"));
        assertThat(cluster.getLong("epoch")).isPositive();
        assertThat(cluster.getInteger("nodes")).isEqualTo(1);
        assertThat(cluster.getJsonArray("versions")).containsExactly(self().getString("version"));
    }

    @Test
    void nodesAreChosenByState() {
        assertThat(nodes("?state=working")).hasSize(1);
        assertThat(nodes("?state=gone")).isEmpty();
        assertThat(client.get(NODES + "?state=away").send().code()).isEqualTo("BAD_REQUEST");
    }

    @Test
    void aCursorOfAnotherListIsRefused() {
        for (var cursor : List.of("a", "1:2", "99999999999999999999:" + self().getString("id"), "1:2:3", ":")) {
            var answer = client.get(NODES + "?cursor=" + cursor).send();
            assertThat(answer.code()).as(cursor).isEqualTo("BAD_REQUEST");
            assertThat(answer.problem().getString("code")).isEqualTo("BAD_CURSOR");
        }
        for (var micros : List.of("9223372036854775807", "-9223372036854775808")) {
            assertThat(client.get(NODES + "?cursor=" + micros + ":" + self().getString("id"))
                            .send()
                            .status())
                    .as(micros)
                    .isIn(200, 400);
        }
    }

    @Test
    void aNodeThatIsNotThereCannotDrain() {
        var answer = client.post(NODES + "/01980f6e-0000-7000-8b2d-5f3100000000/drain")
                .send();

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.code()).isEqualTo("NODE_NOT_FOUND");
        assertThat(client.post(NODES + "/me/drain").send().code()).isEqualTo("BAD_REQUEST");
    }

    @Test
    void zLastADrainedNodeTakesNoWorkAndStillAnswers() {
        var id = self().getString("id");

        assertThat(client.post(NODES + "/" + id + "/drain")
                        .header("Idempotency-Key", "k")
                        .send()
                        .status())
                .isEqualTo(202);
        assertThat(self().getString("state")).isEqualTo("draining");
        assertThat(client.post(NODES + "/" + id + "/drain")
                        .header("Idempotency-Key", "k")
                        .send()
                        .status())
                .isEqualTo(202);
        until("it is not ready", () -> client.get("/health/ready").send().status() == 503);

        var run = node.trigger(node.publish("waits", "tasks: [{id: a, type: handler, handler: noop}]"));

        assertThat(client.get("/api/v1/cluster").send().json().getInteger("drainingNodes"))
                .isEqualTo(1);
        assertThat(self().getBoolean("leader")).isFalse();
        assertThat(node.run(run).getString("state")).isEqualTo("pending");
    }

    private static JsonObject self() {
        return nodes("").getFirst();
    }

    private static List<JsonObject> nodes(String query) {
        return client.get(NODES + query).send().json().getJsonArray("items").stream()
                .map(JsonObject.class::cast)
                .toList();
    }
}
