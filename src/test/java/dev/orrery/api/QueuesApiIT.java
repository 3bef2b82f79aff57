package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Queues and limits as users meet them. */
class QueuesApiIT {

    private static final String UNKNOWN = "01980f6e-0000-7000-8000-000080000001";

    private static NodeUnderTest node;
    private static ApiClient client;

    @BeforeAll
    static void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
        client = node.client;
        client.post("/api/v1/tenants")
                .json(new JsonObject().put("name", "acme"))
                .send();
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void aPausedQueueRunsNothingUntilItIsResumed() {
        var dag = node.publish("paused", "tasks: [{id: a, type: handler, handler: noop, queue: paused}]");
        assertThat(client.post("/api/v1/queues/paused/pause").send().json().getBoolean("paused"))
                .isTrue();
        var run = node.trigger(dag);
        var other = node.trigger(node.publish("other", "tasks: [{id: a, type: handler, handler: noop}]"));
        node.ended(other);
        assertThat(node.run(run).getString("state")).isEqualTo("pending");

        var resumed = client.post("/api/v1/queues/paused/resume").send();

        assertThat(resumed.json().getBoolean("paused")).isFalse();
        node.ended(run);
    }

    @Test
    void aQueueIsSetShownAndForgotten() {
        var set = client.call("PUT", "/api/v1/queues/set")
                .json(new JsonObject("{\"weight\": 3, \"maxRunning\": 2, \"rate\": {\"limit\": 10, \"per\": \"60s\"}}"))
                .send();

        assertThat(set.status()).isEqualTo(200);
        assertThat(set.json())
                .isEqualTo(new JsonObject("{\"name\": \"set\", \"weight\": 3, \"maxRunning\": 2,"
                        + " \"rate\": {\"limit\": 10, \"per\": \"1m\"}, \"paused\": false, \"running\": 0}"));
        assertThat(client.get("/api/v1/queues/set").send().json()).isEqualTo(set.json());
        assertThat(client.get("/api/v1/queues?limit=500").send().json().getJsonArray("items"))
                .contains(set.json());
        assertThat(client.call("DELETE", "/api/v1/queues/set").send().status()).isEqualTo(204);
        assertThat(client.call("DELETE", "/api/v1/queues/set").send().status()).isEqualTo(204);
        assertThat(client.get("/api/v1/queues/set").send().json().getInteger("weight"))
                .isEqualTo(1);
        assertThat(client.get("/api/v1/queues/unknown").send().code()).isEqualTo("QUEUE_NOT_FOUND");
        assertThat(client.call("DELETE", "/api/v1/queues/unknown").send().code())
                .isEqualTo("QUEUE_NOT_FOUND");
        assertThat(client.post("/api/v1/queues/unknown/pause").send().code()).isEqualTo("QUEUE_NOT_FOUND");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"maxRunning\": 0}",
                "{\"maxRunning\": -1}",
                "{\"maxRunning\": 1.5}",
                "{\"maxRunning\": 1000001}",
                "{\"weight\": 0}",
                "{\"rate\": {\"limit\": 0, \"per\": \"1m\"}}",
                "{\"rate\": {\"limit\": 1, \"per\": \"0s\"}}",
                "{\"rate\": {\"limit\": 1, \"per\": \"-1m\"}}",
                "{\"rate\": {\"limit\": 1, \"per\": \"25h\"}}",
                "{\"rate\": {\"limit\": 1, \"per\": \"soon\"}}",
                "{\"rate\": {\"limit\": 1}}",
                "{\"max\": 1}"
            })
    void whatIsNoLimitIsRefused(String body) {
        assertThat(client.call("PUT", "/api/v1/queues/refused")
                        .json(new JsonObject(body))
                        .send()
                        .code())
                .isEqualTo("VALIDATION_ERROR");
        assertThat(client.call("PUT", "/api/v1/limits/refused")
                        .json(new JsonObject(body))
                        .send()
                        .code())
                .isEqualTo("VALIDATION_ERROR");
        assertThat(client.get("/api/v1/queues/refused").send().status()).isEqualTo(404);
    }

    @Test
    void onlyTheFirstTenantChangesWhatAllShare() {
        for (var call : java.util.List.of(
                client.call("PUT", "/api/v1/queues/default").json(new JsonObject()),
                client.call("DELETE", "/api/v1/queues/default"),
                client.call("POST", "/api/v1/queues/default/pause"),
                client.call("POST", "/api/v1/queues/default/resume"))) {
            assertThat(call.header("Orrery-Tenant", "acme").send().code()).isEqualTo("SHARED_QUEUE");
        }
        assertThat(client.get("/api/v1/queues/default").send().json().getBoolean("paused"))
                .isFalse();
        node.publish("secret", "tasks: [{id: a, type: handler, handler: noop, queue: secret-project}]");
        assertThat(client.get("/api/v1/queues")
                        .header("Orrery-Tenant", "acme")
                        .send()
                        .body()
                        .toString())
                .contains("default")
                .doesNotContain("secret-project");
        assertThat(client.get("/api/v1/queues/secret-project")
                        .header("Orrery-Tenant", "acme")
                        .send()
                        .code())
                .isEqualTo("QUEUE_NOT_FOUND");
    }

    @Test
    void aTenantSeesTheQueuesOfItsOwnDagsAndSingleTasks() {
        client.post("/api/v1/tasks")
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject()
                        .put("type", "handler")
                        .put("handler", "noop")
                        .put("queue", "acme-single")
                        .put("notBefore", "2040-01-01T00:00:00Z"))
                .send();
        client.post("/api/v1/tasks/batch")
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject()
                        .put(
                                "tasks",
                                new JsonArray()
                                        .add(new JsonObject()
                                                .put("type", "handler")
                                                .put("handler", "noop")
                                                .put("queue", "acme-refused")
                                                .put("dependencies", new JsonArray().add(UNKNOWN)))))
                .send();
        client.post("/api/v1/tasks")
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject().put("type", "agent").put("handler", "resize"))
                .send();
        client.post("/api/v1/dags")
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject()
                        .put("name", "queues")
                        .put("yaml", "tasks: [{id: a, type: handler, handler: noop, queue: acme-dag}]"))
                .send();
        node.publish("not-acmes", "tasks: [{id: a, type: handler, handler: noop, queue: not-acmes}]");

        assertThat(names("acme", "?limit=500")).containsExactly("acme-dag", "acme-single", "default");
        assertThat(names("acme", "?limit=1&cursor=acme-dag")).containsExactly("acme-single");
        assertThat(names("default", "?limit=500"))
                .contains("acme-dag", "acme-single", "default", "not-acmes")
                .isSorted();
        assertThat(client.get("/api/v1/queues/acme-single")
                        .header("Orrery-Tenant", "acme")
                        .send()
                        .status())
                .isEqualTo(200);
        var depths = client.get("/api/v1/queue/stats")
                .header("Orrery-Tenant", "acme")
                .send()
                .json()
                .getJsonArray("queues")
                .encode();
        assertThat(depths).contains("acme-single").doesNotContain("\"default\"");
    }

    private List<String> names(String tenant, String query) {
        return client
                .get("/api/v1/queues" + query)
                .header("Orrery-Tenant", tenant)
                .send()
                .json()
                .getJsonArray("items")
                .stream()
                .map(queue -> ((JsonObject) queue).getString("name"))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"customer-7", "customer-*", "*", "日本 / ünïcode?#", "'; DROP TABLE limits; --", "%25"})
    void anyKeyCanBeLimited(String key) {
        var path = "/api/v1/limits/"
                + java.net.URLEncoder.encode(key, java.nio.charset.StandardCharsets.UTF_8)
                        .replace("+", "%20");

        var set = client.call("PUT", path)
                .json(new JsonObject("{\"maxRunning\": 3}"))
                .send();

        assertThat(set.status()).as(set.body().toString()).isEqualTo(200);
        assertThat(set.json().getString("key")).isEqualTo(key);
        assertThat(client.get(path).send().json()).isEqualTo(set.json());
        assertThat(client.get("/api/v1/limits").send().json().getJsonArray("items"))
                .contains(set.json());
        assertThat(client.get("/api/v1/limits")
                        .header("Orrery-Tenant", "acme")
                        .send()
                        .json()
                        .getJsonArray("items"))
                .isEmpty();
        assertThat(client.call("DELETE", path).send().status()).isEqualTo(204);
        assertThat(client.call("DELETE", path).send().code()).isEqualTo("LIMIT_NOT_FOUND");
        assertThat(client.get(path).send().code()).isEqualTo("LIMIT_NOT_FOUND");
    }

    @Test
    void aKeyThatTheDatabaseCannotKeepIsRefused() {
        assertThat(client.call("PUT", "/api/v1/limits/a%00b")
                        .json(new JsonObject("{\"maxRunning\": 3}"))
                        .send()
                        .status())
                .isEqualTo(400);
    }

    @Test
    void theTasksOfADagKeepToTheLimitInItsFile() {
        var dag = node.publish("limited", """
                maxRunningTasks: 1
                taskRate: {limit: 1000, per: 1m}
                tasks:
                  - {id: a, type: handler, handler: sleep, input: {ms: 600000}, priority: 9}
                  - {id: b, type: handler, handler: sleep, input: {ms: 600000}, priority: 1}
                """);
        var run = node.trigger(dag);
        until("the first one runs", () -> state(run, "a").equals("running"));
        assertThat(state(run, "b")).isEqualTo("ready");
        var definition =
                client.get("/api/v1/dags/" + dag + "/definition").send().json().getJsonObject("definition");
        assertThat(definition.getInteger("maxRunningTasks")).isEqualTo(1);
        assertThat(definition.getJsonObject("taskRate"))
                .isEqualTo(new JsonObject("{\"limit\": 1000, \"per\": \"1m\"}"));

        client.call("PUT", "/api/v1/dags/" + dag)
                .json(new JsonObject().put("yaml", "name: limited\ntasks: [{id: a, type: handler, handler: noop}]"))
                .send();

        until("nothing keeps the second one back", () -> state(run, "b").equals("running"));
        client.post("/api/v1/runs/" + run + "/cancel").send();
        node.ended(run);
    }

    private static String state(String run, String task) {
        return client.get("/api/v1/runs/" + run + "/tasks/" + task)
                .send()
                .json()
                .getString("state");
    }
}
