package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.openapi.contract.Location;
import io.vertx.openapi.contract.Operation;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Asks for everything that one tenant has as another one, by each operation of the contract. */
class TenantWalkIT {

    private static final String HEADER = "Orrery-Tenant";
    private static final String OWNER = "owner";
    private static final String STRANGER = "stranger";
    private static final String MARK = "owners-secret";

    /** What serves all tenants; a sender of a webhook shows by its signature whose it is. */
    private static final Set<String> SHARED =
            Set.of("drainNode", "receiveWebhook", "setQueue", "resetQueue", "pauseQueue", "resumeQueue", "setLimit");

    private static NodeUnderTest node;
    private static ApiClient client;
    private static Contract contract;

    /** The owner's remote worker's; whoever has it must still say whose it is. */
    private static String token = "";

    /** What the owner has, by the name of the path's parameter. */
    private static final Map<String, String> IDS = new HashMap<>();

    @BeforeAll
    static void furnish(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
        client = node.client;
        contract = node.contract;
        for (var tenant : List.of(OWNER, STRANGER)) {
            made(client.post("/api/v1/tenants").json(new JsonObject().put("name", tenant)));
        }
        var dag = made(asOwner("POST", "/dags")
                .json(new JsonObject()
                        .put("name", MARK)
                        .put(
                                "yaml",
                                "tasks: [{id: " + MARK + ", type: shell, lock: " + MARK + ", queue: " + MARK
                                        + ", command: 'echo " + MARK + "'}]")));
        var run = made(asOwner("POST", "/dags/" + dag.getString("id") + "/runs"));
        var job = made(asOwner("POST", "/jobs")
                .json(new JsonObject()
                        .put("name", MARK)
                        .put("type", "cron")
                        .put("schedule", "0 0 1 1 *")
                        .put("tags", List.of(MARK))
                        .put("handlerName", "echo")));
        var execution = made(asOwner("POST", "/jobs/" + job.getString("id") + "/trigger"));
        var worker = made(asOwner("POST", "/remote-workers")
                .json(new JsonObject()
                        .put("name", MARK)
                        .put("handlers", List.of(MARK))
                        .put("leaseMs", 600_000)));
        token = worker.getString("token");
        var remote = made(asOwner("POST", "/jobs")
                .json(new JsonObject()
                        .put("name", MARK + " elsewhere")
                        .put("type", "one_time")
                        .put("runAt", "2026-01-01T00:00:00Z")
                        .put("handlerType", "agent")
                        .put("handlerName", MARK)));
        assertThat(remote.getString("platformId")).isEqualTo(OWNER);
        var polled = asOwner("POST", "/remote-workers/" + worker.getString("id") + "/poll")
                .json(new JsonObject().put("waitMs", 20_000))
                .send()
                .json();
        IDS.put("workerId", worker.getString("id"));
        IDS.put(
                "handlerId",
                made(asOwner("POST", "/event-handlers")
                                .json(new JsonObject().put("eventName", MARK).put("handlerName", "echo")))
                        .getString("id"));
        IDS.put(
                "eventId",
                made(asOwner("POST", "/events")
                                .json(new JsonObject().put("name", MARK).put("payload", new JsonObject())))
                        .getJsonArray("events")
                        .getJsonObject(0)
                        .getString("id"));
        made(asOwner("POST", "/webhooks")
                .json(new JsonObject()
                        .put("name", MARK)
                        .put("scheme", "standard")
                        .put("secrets", List.of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
                        .put("eventName", MARK)));
        IDS.put("webhook", MARK);
        IDS.put("queue", MARK);
        made(asOwner("PUT", "/limits/" + MARK).json(new JsonObject().put("maxRunning", 2)));
        IDS.put("key", MARK);
        IDS.put("claimId", polled.getJsonArray("assignments").getJsonObject(0).getString("claimId"));
        IDS.put("dagId", dag.getString("id"));
        IDS.put("runId", run.getString("runId"));
        IDS.put("taskId", MARK);
        IDS.put("jobId", job.getString("id"));
        IDS.put("executionId", execution.getString("id"));
        IDS.put(
                "id",
                made(asOwner("POST", "/tasks")
                                .json(new JsonObject()
                                        .put("name", MARK)
                                        .put("type", "handler")
                                        .put("handler", "echo")
                                        .put("queue", MARK)
                                        .put("createdBy", MARK)
                                        .put("notBefore", "2040-01-01T00:00:00Z")))
                        .getString("id"));
        fail();
        until(
                "all has ended, and is counted",
                () -> owned().get("getRun").contains("\"state\":\"succeeded\"")
                        && owned().get("getJob").contains("\"successCount\":1")
                        && owned().get("getEventHandler").contains("\"successCount\":1"));
    }

    /** A dead letter, and a redrive of many that found none. */
    private static void fail() {
        made(asOwner("POST", "/tasks")
                .json(new JsonObject()
                        .put("name", MARK)
                        .put("type", "handler")
                        .put("handler", "no-such-handler")
                        .put("maxRetries", 0)));
        until("it has failed", () -> !letters().isEmpty());
        IDS.put("letterId", letters().getJsonObject(0).getString("id"));
        IDS.put(
                "redriveId",
                made(asOwner("POST", "/dead-letters/redrive")
                                .json(new JsonObject()
                                        .put("ids", List.of("01980f6e-7000-7000-8b2d-5f3100000000"))
                                        .put("by", MARK)))
                        .getString("id"));
        until(
                "it is over",
                () -> asOwner("GET", "/dead-letters/redrives/" + IDS.get("redriveId"))
                        .send()
                        .body()
                        .toString()
                        .contains("\"ended\""));
    }

    private static JsonArray letters() {
        return asOwner("GET", "/dead-letters").send().json().getJsonArray("items");
    }

    @AfterAll
    static void close() {
        node.close();
    }

    @TestFactory
    Stream<DynamicTest> whatOthersHaveIsNeitherFoundNorChanged() {
        var before = owned();
        return contract.resolved().operations().stream()
                .filter(operation -> !operation.getTags().contains("Tenants"))
                .filter(operation -> !SHARED.contains(operation.getOperationId()))
                .map(operation -> DynamicTest.dynamicTest(operation.getOperationId(), () -> {
                    if (names(operation).isEmpty()) {
                        hidesWhatOthersHave(operation);
                    } else {
                        findsNothing(operation);
                    }
                    assertThat(owned()).isEqualTo(before);
                }));
    }

    @Test
    void whatOthersHaveCannotBeNamedInABody() {
        var job = as(STRANGER, "POST", "/jobs")
                .json(new JsonObject()
                        .put("name", "thief")
                        .put("type", "cron")
                        .put("schedule", "@daily")
                        .put("handlerType", "workflow")
                        .put("handlerName", MARK))
                .send();

        assertThat(job.code()).isEqualTo("HANDLER_NOT_FOUND");
    }

    private static void findsNothing(Operation operation) {
        var call = as(STRANGER, operation.getHttpMethod().name(), path(operation));
        var reply = withBody(call, operation).send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(404);
        assertThat(reply.code()).endsWith("_NOT_FOUND").isNotEqualTo("TENANT_NOT_FOUND");
    }

    private static void hidesWhatOthersHave(Operation operation) {
        if (operation.getHttpMethod().name().equals("GET")) {
            var reply = as(STRANGER, "GET", path(operation)).send();

            assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
            assertThat(reply.body().toString()).doesNotContain(MARK);
            IDS.forEach(
                    (name, id) -> assertThat(reply.body().toString()).as(name).doesNotContain(id));
        } else {
            withBody(as(STRANGER, operation.getHttpMethod().name(), path(operation)), operation)
                    .send();
        }
    }

    /** What the owner sees of all that can be read. */
    private static Map<String, String> owned() {
        var found = new TreeMap<String, String>();
        for (var operation : contract.resolved().operations()) {
            if (operation.getHttpMethod().name().equals("GET")
                    && !names(operation).isEmpty()
                    && !operation.getTags().contains("Tenants")
                    && !operation.getOperationId().equals("watchRun")) {
                var reply = asOwner("GET", path(operation)).send();
                assertThat(reply.status())
                        .as(operation.getOperationId() + ": " + reply.body())
                        .isEqualTo(200);
                found.put(operation.getOperationId(), reply.body().toString());
            }
        }
        return found;
    }

    private static List<String> names(Operation operation) {
        return operation.getParameters().stream()
                .filter(parameter -> parameter.getIn() == Location.PATH)
                .map(parameter -> parameter.getName())
                .toList();
    }

    private static String path(Operation operation) {
        var path = operation.getOpenAPIPath();
        for (var name : names(operation)) {
            assertThat(IDS)
                    .as(operation.getOperationId() + " needs something of the owner's")
                    .containsKey(name);
            path = path.replace("{" + name + "}", IDS.get(name));
        }
        return path;
    }

    /** With what the contract shows as an example. */
    private static ApiClient.Call withBody(ApiClient.Call call, Operation operation) {
        var body = operation.getRequestBody();
        if (body == null) {
            return call;
        }
        var media = operation
                .getOpenAPIModel()
                .getJsonObject("requestBody")
                .getJsonObject("content")
                .getJsonObject("application/json");
        if (media.containsKey("example")) {
            return call.json(plain(media.getJsonObject("example")));
        }
        var schema = (JsonObject) body.getContent().get("application/json").getSchema();
        return call.json(ApiTestBase.exampleOf(schema));
    }

    /** Without the notes that the library leaves in the contract. */
    private static JsonObject plain(JsonObject example) {
        var copy = example.copy();
        copy.fieldNames().removeIf(name -> name.startsWith("__"));
        return copy;
    }

    private static JsonObject made(ApiClient.Call call) {
        var reply = call.send();
        assertThat(reply.status()).as(reply.body().toString()).isBetween(200, 202);
        return reply.json();
    }

    private static ApiClient.Call asOwner(String method, String path) {
        return as(OWNER, method, path);
    }

    private static ApiClient.Call as(String tenant, String method, String path) {
        return client.call(method, Contract.BASE_PATH + path)
                .header(HEADER, tenant)
                .header("Orrery-Worker-Token", token.isEmpty() ? "none" : token);
    }
}
