package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Single tasks over HTTP: submitted one by one and in batches, seen, and done. */
class SingleTasksApiIT {

    private static final String TASKS = "/api/v1/tasks";
    private static final String UNKNOWN = "01980f6e-5a10-7000-8b2d-5f3180000001";
    private static final Set<String> ENDED = Set.of("completed", "failed", "cancelled");

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
    void aTaskIsSubmittedDoneAndShown() {
        var deadline = Instant.parse("2030-01-31T08:00:00Z");
        var reply = client.post(TASKS)
                .json(echo().put("name", "grüße")
                        .put("input", new JsonObject().put("a", List.of(1, 2.5)))
                        .put("priority", 9)
                        .put("deadline", deadline.toString())
                        .put("estimatedDurationSeconds", 1.5)
                        .put("source", "agent_planner")
                        .put("createdBy", "ann")
                        .put("sessionId", "session 1")
                        .put("tags", List.of("x", "y"))
                        .put("maxRetries", 1)
                        .put("timeout", "90s")
                        .put("concurrencyKey", "customer 7"))
                .send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        var submitted = reply.json();
        assertThat(reply.header("Location")).isEqualTo(TASKS + "/" + submitted.getString("id"));
        assertThat(submitted.getString("state")).isEqualTo("ready");
        var task = ended(submitted.getString("id"));
        assertThat(task.getString("state")).isEqualTo("completed");
        assertThat(task.getJsonObject("result")).isEqualTo(new JsonObject().put("a", List.of(1, 2.5)));
        assertThat(task.getJsonObject("input")).isEqualTo(new JsonObject().put("a", List.of(1, 2.5)));
        assertThat(task.getJsonObject("definition").getString("handler")).isEqualTo("echo");
        assertThat(task.getJsonArray("attempts")).hasSize(1);
        assertThat(task.getString("completedAt")).isNotNull();
        for (var field : submitted.fieldNames()) {
            if (!Set.of("state", "startedAt", "completedAt", "lastUpdatedAt").contains(field)) {
                assertThat(task.getValue(field)).as(field).isEqualTo(submitted.getValue(field));
            }
        }
        assertThat(task.getString("queue")).isEqualTo("default");
        assertThat(task.getInteger("maxRetries")).isEqualTo(1);
        assertThat(task.getString("timeout")).isEqualTo("1m30s");
        assertThat(task.getDouble("estimatedDurationSeconds")).isEqualTo(1.5);
        assertThat(Instant.parse(task.getString("deadline"))).isEqualTo(deadline);
    }

    @Test
    void aTaskWaitsForOthersAndIsToldByThem() {
        var late = Instant.now().plus(1, ChronoUnit.HOURS).toString();
        var first = submit(echo().put("name", "first").put("notBefore", late));
        var second = submit(echo().put("name", "second").put("dependencies", List.of(first)));

        assertThat(get(first).getString("state")).isEqualTo("pending");
        assertThat(get(first).getInteger("blocksCount")).isEqualTo(1);
        assertThat(get(first).getJsonArray("blocks").getJsonObject(0).getString("id"))
                .isEqualTo(second);
        var blocked = get(second);
        assertThat(blocked.getString("state")).isEqualTo("blocked");
        assertThat(blocked.getInteger("dependencyDepth")).isEqualTo(1);
        assertThat(blocked.getJsonArray("dependencies")).isEqualTo(new JsonArray().add(first));
        assertThat(blocked.getJsonArray("blockedBy").getJsonObject(0))
                .isEqualTo(
                        new JsonObject().put("id", first).put("name", "first").put("state", "pending"));
        var edges = client.get(TASKS + "/" + second + "/dependencies").send().json();
        var edge = edges.getJsonArray("dependencies").getJsonObject(0);
        assertThat(edge.getString("prerequisiteTaskId")).isEqualTo(first);
        assertThat(edge.getString("dependentTaskId")).isEqualTo(second);
        assertThat(edge.getString("resolvedAt")).isNull();
        assertThat(edges.getInteger("dependentsCount")).isZero();
        assertThat(client.get(TASKS + "/" + first + "/dependencies")
                        .send()
                        .json()
                        .getInteger("dependentsCount"))
                .isEqualTo(1);
    }

    @Test
    void aBatchNamesItsTasksInAnyOrderAndIsAnsweredInItsOwn() {
        var reply = client.post(TASKS + "/batch")
                .json(new JsonObject()
                        .put(
                                "tasks",
                                new JsonArray()
                                        .add(echo().put("ref", "join").put("dependencies", List.of("left", "right")))
                                        .add(echo().put("ref", "left").put("dependencies", List.of("fetch")))
                                        .add(echo().put("ref", "right").put("dependencies", List.of("fetch")))
                                        .add(echo().put("ref", "fetch").put("input", 7))))
                .send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        var tasks = reply.json().getJsonArray("tasks");
        assertThat(tasks.stream().map(task -> ((JsonObject) task).getString("ref")))
                .containsExactly("join", "left", "right", "fetch");
        var join = ended(tasks.getJsonObject(0).getString("id"));
        assertThat(join.getString("state")).isEqualTo("completed");
        assertThat(join.getInteger("dependencyDepth")).isEqualTo(2);
        assertThat(join.getJsonArray("dependencies"))
                .containsExactlyInAnyOrder(
                        tasks.getJsonObject(1).getString("id"),
                        tasks.getJsonObject(2).getString("id"));
        assertThat(get(tasks.getJsonObject(3).getString("id")).getInteger("result"))
                .isEqualTo(7);
    }

    @Test
    void howFarABatchIsIsToldByAnyOfItsTasks() {
        var late = Instant.now().plus(1, ChronoUnit.HOURS).toString();
        var tasks = client.post(TASKS + "/batch")
                .json(new JsonObject()
                        .put(
                                "tasks",
                                new JsonArray()
                                        .add(echo())
                                        .add(echo())
                                        .add(echo().put("ref", "late").put("notBefore", late))
                                        .add(echo().put("dependencies", List.of("late")))))
                .send()
                .json()
                .getJsonArray("tasks");
        submit(echo());
        ended(tasks.getJsonObject(0).getString("id"));
        ended(tasks.getJsonObject(1).getString("id"));

        var counts = client.get(TASKS + "/" + tasks.getJsonObject(2).getString("id") + "/batch")
                .send();

        assertThat(counts.json()).isEqualTo(new JsonObject("""
                                {"total": 4, "states": [{"state": "pending", "count": 1}, {"state": "blocked", "count": 1}, {"state": "completed", "count": 2}]}
                                """));
        assertThat(client.get(TASKS + "/" + UNKNOWN + "/batch").send().code()).isEqualTo("TASK_NOT_FOUND");
    }

    @Test
    void aBatchIsSubmittedAsAWholeOrNotAtAll() {
        var session = UUID.randomUUID().toString();
        var good = echo().put("sessionId", session);

        var unknown = client.post(TASKS + "/batch")
                .json(new JsonObject()
                        .put("tasks", new JsonArray().add(good).add(echo().put("dependencies", List.of(UNKNOWN)))))
                .send();
        var wrong = client.post(TASKS + "/batch")
                .json(new JsonObject().put("tasks", new JsonArray().add(good).add(echo().put("deadline", "soon"))))
                .send();

        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.code()).isEqualTo("DEPENDENCY_NOT_FOUND");
        assertThat(unknown.json().getString("message")).startsWith("tasks[1]: ").contains(UNKNOWN);
        assertThat(wrong.code()).isEqualTo("VALIDATION_ERROR");
        assertThat(wrong.json().getJsonArray("details").getJsonObject(0).getString("path"))
                .isEqualTo("tasks[1].deadline");
        assertThat(list("sessionId=" + session)).isEmpty();
    }

    @Test
    void aRequestThatIsRepeatedUnderItsKeyIsAnsweredAlike() {
        var key = UUID.randomUUID().toString();
        var one = echo().put("name", "once");
        var batch = new JsonObject()
                .put(
                        "tasks",
                        new JsonArray()
                                .add(echo().put("ref", "b").put("dependencies", List.of("a")))
                                .add(echo().put("ref", "a")));

        var first = client.post(TASKS).header("Idempotency-Key", key).json(one).send();
        var again = client.post(TASKS).header("Idempotency-Key", key).json(one).send();
        var other =
                client.post(TASKS).header("Idempotency-Key", key).json(echo()).send();
        var batched = client.post(TASKS + "/batch")
                .header("Idempotency-Key", key)
                .json(batch)
                .send();
        var batchedAgain = client.post(TASKS + "/batch")
                .header("Idempotency-Key", key)
                .json(batch)
                .send();

        assertThat(again.status()).isEqualTo(201);
        assertThat(again.json().getString("id")).isEqualTo(first.json().getString("id"));
        assertThat(other.code()).isEqualTo("CONFLICT");
        assertThat(ids(batchedAgain.json().getJsonArray("tasks")))
                .isEqualTo(ids(batched.json().getJsonArray("tasks")))
                .hasSize(2);
    }

    @Test
    void aUniqueKeyIsAnsweredWithTheTaskThatHasIt() {
        var late = Instant.now().plus(1, ChronoUnit.HOURS).toString();
        var unique = echo().put("uniqueKey", "钥匙 " + UUID.randomUUID()).put("notBefore", late);

        var first = client.post(TASKS).json(unique).send();
        var second = client.post(TASKS).json(unique).send();
        var refused = client.post(TASKS)
                .json(unique.copy().put("onConflict", "refuse"))
                .send();
        var batch = client.post(TASKS + "/batch")
                .json(new JsonObject().put("tasks", new JsonArray().add(unique).add(echo())))
                .send();

        assertThat(first.status()).isEqualTo(201);
        assertThat(second.status()).isEqualTo(200);
        assertThat(second.json().getString("id")).isEqualTo(first.json().getString("id"));
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.code()).isEqualTo("UNIQUE_KEY_TAKEN");
        var tasks = batch.json().getJsonArray("tasks");
        assertThat(tasks.getJsonObject(0).getString("id"))
                .isEqualTo(first.json().getString("id"));
        assertThat(tasks.getJsonObject(0).getBoolean("isNew")).isFalse();
        assertThat(tasks.getJsonObject(1).getBoolean("isNew")).isTrue();
    }

    @Test
    void parentsAndChildrenAreATree() {
        var root = submit(echo().put("name", "root"));
        var child = submit(echo().put("name", "child").put("parentTaskId", root));
        submit(echo().put("name", "grandchild").put("parentTaskId", child));
        submit(echo().put("name", "second child").put("parentTaskId", root));

        var whole = client.get(TASKS + "/" + root + "/tree").send().json();
        var oneLevel = client.get(TASKS + "/" + root + "/tree?levels=1").send().json();
        var two = client.get(TASKS + "/" + root + "/tree?limit=2").send().json();

        assertThat(names(whole)).containsExactly("0 root", "1 child", "1 second child", "2 grandchild");
        assertThat(whole.getBoolean("isComplete")).isTrue();
        assertThat(names(oneLevel)).containsExactly("0 root", "1 child", "1 second child");
        assertThat(oneLevel.getBoolean("isComplete")).isFalse();
        assertThat(names(two)).hasSize(2);
        assertThat(two.getBoolean("isComplete")).isFalse();
        assertThat(list("parentTaskId=" + root)).hasSize(2);
        assertThat(client.post(TASKS)
                        .json(echo().put("parentTaskId", UNKNOWN))
                        .send()
                        .code())
                .isEqualTo("TASK_NOT_FOUND");
    }

    @Test
    void listsAreFilteredAndReadOnFromPartToPart() {
        var session = UUID.randomUUID().toString();
        var late = Instant.now().plus(1, ChronoUnit.HOURS).toString();
        var ids = IntStream.range(0, 7)
                .mapToObj(n -> submit(echo().put("sessionId", session)
                        .put("queue", n % 2 == 0 ? "slow" : "quick")
                        .put("createdBy", "lister " + session)
                        .put("source", n == 3 ? "api" : "human")
                        .put("tags", n > 4 ? List.of("t" + session) : List.of())
                        .put("notBefore", late)))
                .toList()
                .reversed();
        var blocked = submit(echo().put("sessionId", session).put("dependencies", List.of(ids.getFirst())));
        var remote = submit(new JsonObject()
                .put("type", "agent")
                .put("handler", "nobody-offers-this")
                .put("sessionId", session));

        var all = new java.util.ArrayList<String>();
        var page = "";
        do {
            var part = client.get(TASKS + "?limit=2&sessionId=" + session + page)
                    .send()
                    .json();
            all.addAll(ids(part.getJsonArray("items")));
            page = part.getString("nextCursor") == null ? null : "&cursor=" + part.getString("nextCursor");
        } while (page != null);
        assertThat(all.subList(0, 2)).containsExactly(remote, blocked);
        assertThat(all.subList(2, 9)).isEqualTo(ids);
        assertThat(list("state=pending&sessionId=" + session)).isEqualTo(ids);
        assertThat(list("state=blocked&sessionId=" + session)).containsExactly(blocked);
        assertThat(list("state=blocked")).contains(blocked);
        assertThat(list("state=pending&limit=500")).containsAll(ids);
        assertThat(list("state=ready&type=agent&sessionId=" + session)).containsExactly(remote);
        assertThat(list("state=ready")).contains(remote);
        assertThat(list("queue=slow&sessionId=" + session)).hasSize(4);
        assertThat(list("type=agent&sessionId=" + session)).containsExactly(remote);
        assertThat(list("source=api&createdBy=lister%20" + session)).containsExactly(ids.get(3));
        assertThat(list("createdBy=lister%20" + session)).isEqualTo(ids);
        assertThat(list("tag=t" + session)).hasSize(2);
        assertThat(list("sessionId=" + session + "&from=" + late)).isEmpty();
        assertThat(list("sessionId=" + session + "&to=" + late)).hasSize(9);
        assertThat(list("sessionId=" + session + "&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"))
                .isEmpty();
        assertThat(client.get(TASKS + "?cursor=abc").send().status()).isEqualTo(400);
        assertThat(get(remote).getString("waitingFor")).contains("nobody-offers-this");
        assertThat(get(remote).getString("queue")).isNull();
    }

    @Test
    void whatHasADeadlineIsListedInThatOrderFromPartToPart() {
        var session = UUID.randomUUID().toString();
        var due = List.of("2031-01-01T00:00:03Z", "2031-01-01T00:00:01.000001Z", "2031-01-01T00:00:02Z");
        var ids = due.stream()
                .map(at -> submit(
                        echo().put("sessionId", session).put("deadline", at).put("notBefore", "2030-01-01T00:00:00Z")))
                .toList();
        submit(echo().put("sessionId", session));
        var inOrder = List.of(ids.get(1), ids.get(2), ids.get(0));

        assertThat(list("sessionId=" + session + "&deadlineBefore=2031-01-01T00:00:04Z"))
                .isEqualTo(inOrder);
        assertThat(list("deadlineAfter=2031-01-01T00:00:01.000001Z&deadlineBefore=2031-01-01T00:00:03Z"))
                .isEqualTo(inOrder.subList(0, 2));
        assertThat(list("state=completed&deadlineAfter=2031-01-01T00:00:00Z")).isEmpty();
        var page = "?limit=1&deadlineAfter=2031-01-01T00:00:00Z&deadlineBefore=2031-01-01T00:00:04Z";
        var all = new java.util.ArrayList<String>();
        for (var cursor = ""; cursor != null; ) {
            var part = client.get(TASKS + page + cursor).send().json();
            all.addAll(ids(part.getJsonArray("items")));
            cursor = part.getString("nextCursor") == null ? null : "&cursor=" + part.getString("nextCursor");
        }
        assertThat(all).isEqualTo(inOrder);
        assertThat(client.get(TASKS + page + "&cursor=1:2").send().code()).isEqualTo("BAD_REQUEST");
    }

    @Test
    void theNumbersOfTheQueueAreCounted() {
        submit(echo().put("queue", "counted").put("priority", 3).put("notBefore", "2040-01-01T00:00:00Z"));
        ended(submit(echo()));

        until(
                "it is counted",
                () -> client.get("/api/v1/queue/stats").send().json().getJsonArray("queues").stream()
                        .map(JsonObject.class::cast)
                        .anyMatch(row -> "counted".equals(row.getString("queue"))
                                && row.getString("state").equals("pending")
                                && row.getInteger("priority") == 3
                                && row.getInteger("count") == 1));
        var stats = client.get("/api/v1/queue/stats").send().json();
        var hour = stats.getJsonArray("throughput").getJsonObject(2);
        assertThat(hour.getInteger("windowSeconds")).isEqualTo(3_600);
        assertThat(hour.getInteger("completed")).isPositive();
        assertThat(hour.getInteger("submitted")).isGreaterThan(hour.getInteger("completed"));
        assertThat(stats.getBoolean("isComplete")).isTrue();
    }

    @Test
    void whatATaskPrintsIsItsLog() {
        var id = submit(new JsonObject()
                .put("type", "shell")
                .put("command", "cat $ORRERY_PARAMS; echo; echo hello")
                .put("input", new JsonObject().put("k", "v")));
        ended(id);

        var log = client.get(TASKS + "/" + id + "/logs").send();

        assertThat(log.body().toString()).contains("{\"k\":\"v\"}").contains("hello");
        assertThat(log.header("Orrery-Attempt")).isEqualTo("1");
        assertThat(client.get(TASKS + "/" + id + "/logs?attempt=2").send().status())
                .isEqualTo(400);
    }

    @Test
    void aFailureTellsWhyAndCancelsWhatWaits() {
        var failing = submit(new JsonObject()
                .put("type", "shell")
                .put("command", "echo oops >&2; exit 3")
                .put("maxRetries", 0));
        var waiting = submit(echo().put("dependencies", List.of(failing)));

        assertThat(ended(failing).getString("state")).isEqualTo("failed");
        assertThat(ended(failing).getString("error")).contains("3");
        assertThat(ended(waiting).getString("state")).isEqualTo("cancelled");
        assertThat(ended(waiting).getString("error")).startsWith("prerequisite_failed");
        assertThat(list("state=failed")).contains(failing);
        assertThat(list("state=cancelled")).contains(waiting);
    }

    @Test
    void whatIsWrongIsRefusedWithItsPlace() {
        assertThat(client.post(TASKS).send().code()).isEqualTo("VALIDATION_ERROR");
        assertThat(client.post(TASKS).json("{").send().code()).isEqualTo("PARSE_ERROR");
        assertThat(client.post(TASKS)
                        .body("application/json", Buffer.buffer(new byte[] {'"', (byte) 0xC0, (byte) 0x80, '"'}))
                        .send()
                        .code())
                .isEqualTo("PARSE_ERROR");
        assertThat(client.post(TASKS)
                        .json(echo().put("dependencies", List.of(UNKNOWN)))
                        .send()
                        .code())
                .isEqualTo("DEPENDENCY_NOT_FOUND");
        var many = IntStream.range(0, 10_000)
                .mapToObj(_ -> UUID.randomUUID().toString())
                .toList();
        var refused = client.post(TASKS).json(echo().put("dependencies", many)).send();
        assertThat(refused.problem().getString("code")).isEqualTo("TOO_MANY_DEPENDENCIES");
        var large = "x".repeat(3 << 20);
        assertThat(client.post(TASKS).json(echo().put("input", large)).send().status())
                .isEqualTo(413);
        var inBatch = client.post(TASKS + "/batch")
                .json(new JsonObject().put("tasks", new JsonArray().add(echo().put("input", large))))
                .send();
        assertThat(inBatch.status()).isEqualTo(400);
        assertThat(inBatch.problem().getString("path")).isEqualTo("tasks[0].input");
        assertThat(client.get(TASKS + "/" + UNKNOWN).send().code()).isEqualTo("TASK_NOT_FOUND");
        for (var part : List.of("dependencies", "tree", "logs")) {
            assertThat(client.get(TASKS + "/" + UNKNOWN + "/" + part).send().code())
                    .isEqualTo("TASK_NOT_FOUND");
        }
    }

    @Test
    void aDeadlineThatHasPassedIsNoReasonToRefuse() {
        var id = submit(echo().put("deadline", "2020-01-01T00:00:00Z"));

        assertThat(ended(id).getString("state")).isEqualTo("completed");
    }

    @Test
    void tenThousandTasksComeInOneBatch() {
        var tasks = new JsonArray();
        IntStream.range(0, 10_000)
                .forEach(n -> tasks.add(echo().put("ref", "t" + n)
                        .put("notBefore", "2040-01-01T00:00:00Z")
                        .put("dependencies", n % 10 == 0 ? List.of() : List.of("t" + (n - 1)))));

        var reply = client.post(TASKS + "/batch")
                .json(new JsonObject().put("tasks", tasks))
                .send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        assertThat(reply.json().getJsonArray("tasks")).hasSize(10_000);
        var last = reply.json().getJsonArray("tasks").getJsonObject(9_999).getString("id");
        assertThat(get(last).getInteger("dependencyDepth")).isEqualTo(9);
    }

    private static JsonObject echo() {
        return new JsonObject().put("type", "handler").put("handler", "echo");
    }

    private static String submit(JsonObject task) {
        var reply = client.post(TASKS).json(task).send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        return reply.json().getString("id");
    }

    private static JsonObject get(String id) {
        return client.get(TASKS + "/" + id).send().json();
    }

    private static JsonObject ended(String id) {
        until("task " + id + " ends", () -> ENDED.contains(get(id).getString("state")));
        return get(id);
    }

    private static List<String> list(String query) {
        return ids(client.get(TASKS + "?" + query).send().json().getJsonArray("items"));
    }

    private static List<String> ids(JsonArray tasks) {
        return tasks.stream().map(task -> ((JsonObject) task).getString("id")).toList();
    }

    private static List<String> names(JsonObject tree) {
        return tree.getJsonArray("tasks").stream()
                .map(JsonObject.class::cast)
                .map(node -> node.getInteger("level") + " "
                        + node.getJsonObject("task").getString("name"))
                .toList();
    }
}
