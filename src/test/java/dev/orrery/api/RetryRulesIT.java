package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** After which failures a task of a whole node is tried again. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RetryRulesIT {

    private static final String TASKS = "/api/v1/tasks";

    private NodeUnderTest node;

    @BeforeAll
    void open(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
    }

    @AfterAll
    void close() {
        node.close();
    }

    @Test
    void onlyWhatRetryOnNamesIsTriedAgain() {
        var named = task("named", "exit 75", "retryOn: [exit:75]");
        var other = task("other", "exit 1", "retryOn: [exit:75]");

        assertThat(named.getInteger("attempt")).isEqualTo(3);
        assertThat(other.getInteger("attempt")).isEqualTo(1);
        assertThat(other.getString("error")).isEqualTo("exit code 1 (not tried again: retryOn does not name it)");
    }

    @Test
    void whatGiveUpOnNamesIsNotTriedAgain() {
        assertThat(task("given-up", "exit 75", "giveUpOn: [exit:70-79]").getInteger("attempt"))
                .isEqualTo(1);
        assertThat(task("not-named", "exit 1", "giveUpOn: [exit:70-79]").getInteger("attempt"))
                .isEqualTo(3);
    }

    @Test
    void aSingleTaskHasRulesToo() {
        var retry = new JsonObject().put("initialDelay", "0s").put("giveUpOn", new JsonArray().add("exit:3"));
        var id = node.client
                .post(TASKS)
                .json(new JsonObject()
                        .put("type", "shell")
                        .put("command", "exit 3")
                        .put("retry", retry))
                .send()
                .json()
                .getString("id");
        until("it has failed", () -> single(id).getString("state").equals("failed"));

        assertThat(single(id).getInteger("retryCount")).isZero();
        assertThat(single(id).getJsonObject("definition").getJsonObject("retry").getJsonArray("giveUpOn"))
                .containsExactly("exit:3");
    }

    @Test
    void rulesThatAreNoneAreRefusedWithTheirPlaces() {
        var answer = node.client
                .post(TASKS)
                .json(new JsonObject()
                        .put("type", "shell")
                        .put("command", "x")
                        .put(
                                "retry",
                                new JsonObject()
                                        .put(
                                                "retryOn",
                                                new JsonArray().add("exti:3").add("http:700"))))
                .send();

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body().toString()).contains("did you mean 'exit:3'?").contains("http:700");
    }

    @Test
    void aServerIsNotAskedAgainBeforeTheTimeThatItNamed() {
        var vertx = Vertx.vertx();
        var asked = new CopyOnWriteArrayList<Long>();
        try {
            var server = await(vertx.createHttpServer()
                    .requestHandler(request -> {
                        asked.add(System.nanoTime());
                        request.response()
                                .setStatusCode(asked.size() == 1 ? 429 : 200)
                                .putHeader("Retry-After", "1")
                                .end();
                    })
                    .listen(0, "127.0.0.1"));
            var url = "http://127.0.0.1:" + server.actualPort() + "/";

            var task = ended("busy", "type: http, url: '" + url + "', retry: {initialDelay: 1ms}");

            assertThat(task.getString("state")).isEqualTo("succeeded");
            assertThat(Duration.ofNanos(asked.get(1) - asked.get(0))).isGreaterThan(Duration.ofMillis(990));
        } finally {
            await(vertx.close());
        }
    }

    private JsonObject single(String id) {
        return node.client.get(TASKS + "/" + id).send().json();
    }

    private JsonObject task(String name, String command, String rules) {
        return ended(name, "type: shell, command: " + command + ", retry: {initialDelay: 1ms, " + rules + "}");
    }

    private JsonObject ended(String name, String task) {
        var run = node.trigger(node.publish(name, "tasks: [{id: a, " + task + "}]"));
        node.ended(run);
        return node.client
                .get(NodeUnderTest.RUNS + "/" + run + "/tasks/a")
                .send()
                .json();
    }
}
