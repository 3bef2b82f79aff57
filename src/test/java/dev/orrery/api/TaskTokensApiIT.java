package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.TaskTokens;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.openapi.contract.Operation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What running tasks may do by their tokens, on a node that asks everybody else for its own. */
class TaskTokensApiIT {

    private static final String TASKS = "/api/v1/tasks";
    private static final String MASTER = "the-token-of-the-node";

    /** What is open to tasks, and how: about what is below them, or themselves too. */
    private static final Map<String, String> OPEN = Map.ofEntries(
            Map.entry("submitTask", "new ones"),
            Map.entry("submitTasks", "new ones"),
            Map.entry("listSingleTasks", "below"),
            Map.entry("getSingleTask", "itself"),
            Map.entry("listTaskDependencies", "itself"),
            Map.entry("explainTask", "itself"),
            Map.entry("getTaskTree", "itself"),
            Map.entry("readSingleTaskLog", "itself"),
            Map.entry("countSubmittedWith", "below"),
            Map.entry("cancelSingleTask", "below"),
            Map.entry("retrySingleTask", "below"));

    private static final Set<String> KINDS_OF_PAGES =
            Set.of("/", "/docs", "/docs/openapi.yaml", "/metrics", "/nothing");

    @TempDir
    static Path folder;

    private static NodeUnderTest node;
    private static ApiClient client;

    /** A task that runs until the end, with a token; and one that has nothing to do with it. */
    private static String task;

    private static String token;
    private static String stranger;

    @BeforeAll
    static void start() {
        node = NodeUnderTest.guarded(folder, MASTER);
        client = node.client;
        task = submitted(waiting("task"));
        token = token("task");
        stranger = submitted(noop().put("notBefore", "2040-01-01T00:00:00Z"));
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @TestFactory
    Stream<DynamicTest> everyOperationIsClosedUnlessItIsAboutTheTasksOwn() {
        return node.contract.resolved().operations().stream()
                .map(operation -> DynamicTest.dynamicTest(operation.getOperationId(), () -> {
                    switch (OPEN.getOrDefault(operation.getOperationId(), "closed")) {
                        case "closed" -> refused(by(token, operation, stranger), operation.getOperationId());
                        case "below" -> {
                            if (operation.getOpenAPIPath().contains("{id}")) {
                                refused(by(token, operation, stranger), stranger);
                                refused(by(token, operation, task), "not for itself");
                            }
                        }
                        case "itself" -> {
                            refused(by(token, operation, stranger), stranger);
                            assertThat(by(token, operation, task).send().status())
                                    .isEqualTo(200);
                        }
                        default -> assertThat(operation.getHttpMethod().name()).isEqualTo("POST");
                    }
                }));
    }

    @Test
    void pagesBesideTheContractAreClosed() {
        for (var page : KINDS_OF_PAGES) {
            refused(bearing(token, client.get(page)), "not of the API");
        }
        assertThat(bearing(token, client.get("/health/live")).send().status()).isEqualTo(200);
    }

    @Test
    void whatATaskSubmitsIsItsChild() {
        var child = by(token, client.post(TASKS), 201, later());
        var named = by(
                token,
                client.post(TASKS),
                201,
                later().put("parentTaskId", task).put("source", "api"));
        var batch = by(
                token,
                client.post(TASKS + "/batch"),
                201,
                new JsonObject()
                        .put(
                                "tasks",
                                List.of(
                                        later().put("ref", "a"),
                                        later().put("parentTaskId", "a"),
                                        later().put("dependencies", List.of("a", child.getString("id"))))));

        assertThat(child.getString("parentTaskId")).isEqualTo(task);
        assertThat(child.getString("source")).isEqualTo("task");
        assertThat(named.getString("parentTaskId")).isEqualTo(task);
        assertThat(named.getString("source")).isEqualTo("api");
        var ids = batch.getJsonArray("tasks").stream()
                .map(each -> ((JsonObject) each).getString("id"))
                .toList();
        assertThat(by(token, client.get(TASKS + "/" + ids.get(1) + "/batch"), 200)
                        .getInteger("total"))
                .isEqualTo(3);
        assertThat(ids.stream().map(id -> seen(id).getString("parentTaskId")).toList())
                .containsExactly(task, ids.get(0), task);

        var listed = by(token, client.get(TASKS + "?limit=500"), 200).getJsonArray("items");
        assertThat(ids(listed))
                .contains(child.getString("id"), ids.get(0), ids.get(2))
                .doesNotContain(stranger, task, ids.get(1));
        assertThat(ids(by(token, client.get(TASKS + "?parentTaskId=" + ids.get(0)), 200)
                        .getJsonArray("items")))
                .containsExactly(ids.get(1));
        refused(bearing(token, client.get(TASKS + "?parentTaskId=" + stranger)), stranger);
        assertThat(by(token, client.get(TASKS + "/" + ids.get(1)), 200).getString("id"))
                .isEqualTo(ids.get(1));
        assertThat(by(token, client.get(TASKS + "/" + ids.get(0) + "/explain"), 200)
                        .getString("state"))
                .isEqualTo("pending");
        by(token, client.post(TASKS + "/" + ids.get(1) + "/cancel"), 202);
        by(token, client.post(TASKS + "/" + ids.get(1) + "/retry"), 200);
        by(token, client.post(TASKS + "/" + ids.get(0) + "/cancel"), 202);
        assertThat(seen(ids.get(1)).getString("state")).isEqualTo("cancelled");
    }

    @Test
    void nothingOfOthersIsComeByThroughASubmission() {
        refused(submission(later().put("parentTaskId", stranger)), stranger);
        refused(submission(later().put("dependencies", List.of(stranger))), stranger);
        refused(submission(later().put("dependencies", List.of(task))), task);
        refused(submission(later().put("uniqueKey", "k")), "onConflict");
        refused(submission(later().put("uniqueKey", "k").put("onConflict", "replace")), "onConflict");
        by(token, client.post(TASKS), 201, later().put("uniqueKey", "k").put("onConflict", "refuse"));

        refused(
                bearing(token, client.post(TASKS + "/batch"))
                        .json(new JsonObject()
                                .put("tasks", List.of(later(), later().put("dependencies", List.of(stranger))))),
                stranger);
        refused(bearing(token, client.get(TASKS + "/" + task + "/logs?follow=true")), "followed");
        refused(submission(later()).header("Orrery-Tenant", "acme"), "tenant 'default'");
        assertThat(bearing(token, client.get(TASKS))
                        .header("Orrery-Tenant", "default")
                        .send()
                        .status())
                .isEqualTo(200);
    }

    @Test
    void theKeysOfATaskAreItsOwn() {
        var other = submitted(waiting("other"));
        var otherToken = token("other");
        var body = later().put("name", "keyed");

        var mine = by(token, client.post(TASKS).header("Idempotency-Key", "one"), 201, body);
        var again = by(token, client.post(TASKS).header("Idempotency-Key", "one"), 201, body);
        var others = by(otherToken, client.post(TASKS).header("Idempotency-Key", "one"), 201, body);

        assertThat(again.getString("id")).isEqualTo(mine.getString("id"));
        assertThat(others.getString("parentTaskId")).isEqualTo(other);
        refused(bearing(otherToken, client.get(TASKS + "/" + mine.getString("id"))), mine.getString("id"));
        bearing(MASTER, client.post(TASKS + "/" + other + "/cancel")).send();
    }

    @Test
    void aTokenIsOverWithItsAttempt() throws IOException {
        var short1 = submitted(waiting("ends"));
        var ends = token("ends");
        by(ends, client.get(TASKS + "/" + short1), 200);

        Files.createFile(folder.resolve("ends.go"));
        until("it ended", () -> seen(short1).getString("state").equals("completed"));

        unknown(ends, "is over");
    }

    @Test
    void aTaskThatIsToldToEndIsHeardNoMoreAndItsChildrenAreCancelled() {
        var parent = submitted(waiting("cancelled"));
        var cancelled = token("cancelled");
        var child = by(cancelled, client.post(TASKS), 201, later()).getString("id");

        bearing(MASTER, client.post(TASKS + "/" + parent + "/cancel")).send();

        unknown(cancelled, "told to end");
        assertThat(seen(child).getString("state")).isEqualTo("cancelled");
    }

    @Test
    void whatWasNotMadeHereIsForged() {
        var fence =
                Long.parseLong(node.value("SELECT fence FROM orrery.claim_batches WHERE '" + task + "' = ANY (ids)"));
        var forged = new TaskTokens(new byte[TaskTokens.SECRET_BYTES]).of(TaskInstanceId.parse(task), fence);

        unknown(forged, "not made by a node");
        unknown(
                token.substring(0, 40) + (token.charAt(40) == 'x' ? 'y' : 'x') + token.substring(41),
                "not made by a node");
        unknown(TaskTokens.PREFIX, "not made by a node");
        unknown(MASTER + "x", "missing or wrong");
    }

    @Test
    void aTaskActsForItsOwnTenant() {
        bearing(MASTER, client.post("/api/v1/tenants"))
                .json(new JsonObject().put("name", "acme"))
                .send();
        var reply = bearing(MASTER, client.post(TASKS).header("Orrery-Tenant", "acme"))
                .json(waiting("of-acme"))
                .send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        var acme = token("of-acme");

        var child = by(acme, client.post(TASKS), 201, later()).getString("id");

        assertThat(bearing(MASTER, client.get(TASKS + "/" + child)).send().status())
                .isEqualTo(404);
        assertThat(bearing(MASTER, client.get(TASKS + "/" + child).header("Orrery-Tenant", "acme"))
                        .send()
                        .json()
                        .getString("parentTaskId"))
                .isEqualTo(reply.json().getString("id"));
        refused(bearing(acme, client.get(TASKS + "/" + task)), task);
        refused(bearing(acme, client.get(TASKS)).header("Orrery-Tenant", "default"), "tenant 'acme'");
        refused(bearing(token, client.get(TASKS + "/" + child)), child);
        bearing(
                        MASTER,
                        client.post(TASKS + "/" + reply.json().getString("id") + "/cancel")
                                .header("Orrery-Tenant", "acme"))
                .send();
    }

    @Test
    void aTaskOfADagSubmitsTasksThatAreCancelledWithItsRun() {
        var dag = bearing(MASTER, client.post("/api/v1/dags"))
                .json(new JsonObject()
                        .put("name", "parent")
                        .put("yaml", "tasks: [{id: a, type: shell, command: \"" + command("of-dag") + "\"}]"))
                .send()
                .json()
                .getString("id");
        var run = bearing(MASTER, client.post("/api/v1/dags/" + dag + "/runs"))
                .send()
                .json()
                .getString("runId");
        var ofDag = token("of-dag");
        var child = by(ofDag, client.post(TASKS), 201, later());
        assertThat(child.getString("parentTaskId")).startsWith(run.substring(0, 28));
        assertThat(ids(by(ofDag, client.get(TASKS), 200).getJsonArray("items"))).containsExactly(child.getString("id"));

        bearing(MASTER, client.post("/api/v1/runs/" + run + "/cancel")).send();

        until(
                "the child is cancelled",
                () -> seen(child.getString("id")).getString("state").equals("cancelled"));
        unknown(ofDag, "is over");
    }

    @Test
    void aParentMayWaitForTheChildrenThatItSubmits() throws IOException {
        var parent = submitted(waiting("parent").put("waitForChildren", true));
        var parents = token("parent");
        var child = by(parents, client.post(TASKS), 201, waiting("child")).getString("id");

        Files.createFile(folder.resolve("parent.go"));
        until(
                "its attempt is over",
                () -> bearing(parents, client.get(TASKS)).send().status() == 401);
        assertThat(seen(parent).getString("state")).isEqualTo("blocked");
        Files.createFile(folder.resolve("child.go"));

        until("both ended", () -> seen(parent).getString("state").equals("completed"));
        assertThat(seen(child).getString("state")).isEqualTo("completed");
    }

    private static void refused(ApiClient.Call call, String why) {
        var reply = call.send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(403);
        assertThat(reply.code()).isEqualTo("OUT_OF_SCOPE");
        assertThat(reply.json().getString("message"))
                .contains(why)
                .contains("It may submit tasks (POST /tasks, /tasks/batch)");
    }

    private static void unknown(String wrong, String why) {
        for (var path : List.of(TASKS, TASKS + "/" + task, "/api/v1/dags")) {
            var reply = bearing(wrong, client.get(path)).send();
            assertThat(reply.status()).as(path + reply.body()).isEqualTo(401);
            assertThat(reply.json().getString("message")).contains(why).doesNotContain(wrong);
        }
    }

    private static ApiClient.Call submission(JsonObject body) {
        return bearing(token, client.post(TASKS)).json(body);
    }

    /** A call of this operation about a task; what else its path names is anything. */
    private static ApiClient.Call by(String bearer, Operation operation, String id) {
        var path = operation
                .getOpenAPIPath()
                .replace("{id}", id)
                .replaceAll("\\{claimId}", id + ".1")
                .replaceAll("\\{[a-zA-Z]*Id}", "019b0000-0000-7000-8000-000000000000")
                .replaceAll("\\{[a-zA-Z]*}", "any");
        return bearing(bearer, client.call(operation.getHttpMethod().name(), Contract.BASE_PATH + path));
    }

    private static JsonObject by(String bearer, ApiClient.Call call, int status) {
        var reply = bearing(bearer, call).send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(status);
        assertThat(reply.body().toString()).doesNotContain(TaskTokens.PREFIX);
        return reply.json();
    }

    private static JsonObject by(String bearer, ApiClient.Call call, int status, JsonObject body) {
        return by(bearer, call.json(body), status);
    }

    private static ApiClient.Call bearing(String bearer, ApiClient.Call call) {
        return call.header("Authorization", "Bearer " + bearer);
    }

    /** A task as the node's own token shows it. */
    private static JsonObject seen(String id) {
        return by(MASTER, client.get(TASKS + "/" + id), 200);
    }

    private static List<String> ids(JsonArray items) {
        return Arrays.stream(items.getList().toArray())
                .map(each -> each instanceof Map<?, ?> map ? map.get("id") : ((JsonObject) each).getString("id"))
                .map(String::valueOf)
                .toList();
    }

    private static String submitted(JsonObject body) {
        return by(MASTER, client.post(TASKS), 201, body).getString("id");
    }

    private static JsonObject noop() {
        return new JsonObject().put("type", "handler").put("handler", "noop");
    }

    private static JsonObject later() {
        return noop().put("notBefore", "2040-01-01T00:00:00Z");
    }

    /** A task that leaves its token in a file, and ends when another file is there. */
    private static JsonObject waiting(String name) {
        return new JsonObject().put("type", "shell").put("command", command(name));
    }

    private static String command(String name) {
        var file = folder.resolve(name);
        return "printf %s $ORRERY_TOKEN > " + file + ".new; mv " + file + ".new " + file + ".token; until [ -e " + file
                + ".go ]; do sleep 0.02; done";
    }

    private static String token(String name) {
        var file = folder.resolve(name + ".token");
        until("task " + name + " runs", () -> Files.exists(file));
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
