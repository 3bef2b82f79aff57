package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Why tasks do not run, as it is told of real ones. */
class ExplainTasksIT {

    private static final String TASKS = "/api/v1/tasks";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

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
    void aTaskThatWaitsForAnotherNamesItAndTheTimeThatOneWaitsFor() {
        var first = submit(sleep(0).put("name", "first").put("notBefore", "2099-01-01T00:00:00Z"));
        var second = submit(sleep(0).put("dependencies", List.of(first)).put("notBefore", "2099-01-01T00:00:00Z"));

        assertThat(explain(first).getString("summary")).startsWith("its time has not come: it may begin in ");
        var told = explain(second);
        assertThat(told.getString("state")).isEqualTo("blocked");
        assertThat(told.getString("summary")).isEqualTo("it waits for a task: 'first' (pending)");
        assertThat(told.getJsonArray("reasons").getJsonObject(0).getJsonArray("tasks"))
                .isEqualTo(new JsonArray().add(first));
        assertThat(told.getJsonArray("reasons").getJsonObject(1).getString("kind"))
                .isEqualTo("time");
        assertThat(told.getJsonObject("place").getValue("ahead")).isNull();
    }

    @Test
    void aTaskWhoseKeyIsTakenNamesTheOneThatHasIt() {
        var first = submit(sleep(60_000).put("concurrencyKey", "customer-7"));
        until("the first runs", PATIENCE, () -> state(first).equals("running"));
        var second = submit(sleep(0).put("concurrencyKey", "customer-7"));

        until(
                "the second waits for the key",
                PATIENCE,
                () -> explain(second).getString("summary").startsWith("the concurrency key"));
        var told = explain(second);

        assertThat(told.getString("state")).isEqualTo("ready");
        assertThat(told.getString("summary"))
                .isEqualTo("the concurrency key 'customer-7' allows 1 at a time, and 1 run");
        var reason = told.getJsonArray("reasons").getJsonObject(0);
        assertThat(reason.getString("kind")).isEqualTo("limit");
        assertThat(reason.getJsonArray("tasks")).isEqualTo(new JsonArray().add(first));
        assertThat(told.getJsonObject("place").getInteger("ahead")).isZero();
        assertThat(explain(first).getString("summary")).startsWith("it runs since ");
    }

    @Test
    void aTaskInAPausedQueueIsToldWhoHasItsKeyToo() {
        assertThat(client.put("/api/v1/queues/shut")
                        .json(new JsonObject())
                        .send()
                        .status())
                .isEqualTo(200);
        assertThat(client.post("/api/v1/queues/shut/pause").send().status()).isEqualTo(200);
        var first = submit(sleep(60_000).put("concurrencyKey", "customer-8"));
        until("the first runs", PATIENCE, () -> state(first).equals("running"));

        var told = explain(submit(sleep(0).put("queue", "shut").put("concurrencyKey", "customer-8")));

        assertThat(told.getJsonArray("reasons").stream()
                        .map(reason ->
                                ((JsonObject) reason).getString("kind") + ((JsonObject) reason).getValue("tasks")))
                .containsExactly("queue_paused[]", "limit[\"" + first + "\"]");
    }

    @Test
    void whatAnotherTenantRunsIsCountedAndNotNamed() {
        assertThat(client.post("/api/v1/tenants")
                        .json(new JsonObject().put("name", "acme"))
                        .send()
                        .status())
                .isEqualTo(201);
        assertThat(client.put("/api/v1/queues/shared")
                        .json(new JsonObject().put("maxRunning", 1))
                        .send()
                        .status())
                .isEqualTo(200);
        var ours = submit(sleep(60_000).put("queue", "shared"));
        until("it runs", PATIENCE, () -> state(ours).equals("running"));
        var theirs = client.post(TASKS)
                .header("Orrery-Tenant", "acme")
                .json(sleep(0).put("queue", "shared"))
                .send()
                .json()
                .getString("id");

        var told = client.get(TASKS + "/" + theirs + "/explain")
                .header("Orrery-Tenant", "acme")
                .send()
                .json();

        assertThat(told.getString("summary")).isEqualTo("the queue 'shared' allows 1 at a time, and 1 run");
        assertThat(told.getJsonArray("reasons").getJsonObject(0).getJsonArray("tasks"))
                .isEmpty();
    }

    @Test
    void aTaskThatWaitsForItsChildrenNamesThoseThatAreOpen() {
        var parent = submit(sleep(0).put("waitForChildren", true).put("notBefore", "2099-01-01T00:00:00Z"));
        submit(sleep(0).put("parentTaskId", parent).put("name", "left"));
        var right = submit(
                sleep(0).put("parentTaskId", parent).put("name", "right").put("notBefore", "2099-01-01T00:00:00Z"));
        assertThat(client.post(TASKS + "/" + parent + "/snooze")
                        .json(new JsonObject().put("for", "0s"))
                        .send()
                        .status())
                .isEqualTo(200);

        until(
                "it waits for one of the two",
                PATIENCE,
                () -> explain(parent)
                        .getString("summary")
                        .equals("its own work is done; it waits for a task that it submitted: 'right' (pending)"));

        assertThat(explain(parent).getJsonArray("reasons").getJsonObject(0).getJsonArray("tasks"))
                .isEqualTo(new JsonArray().add(right));
    }

    @Test
    void whatComesToWaitForOneThatFailedIsAnsweredWithTheReason() {
        var failed = submit(
                new JsonObject().put("type", "shell").put("command", "exit 3").put("maxRetries", 0));
        until("it failed", PATIENCE, () -> state(failed).equals("failed"));

        var late = client.post(TASKS)
                .json(sleep(0).put("dependencies", List.of(failed)))
                .send();

        assertThat(late.status()).isEqualTo(201);
        assertThat(late.json().getString("state")).isEqualTo("cancelled");
        assertThat(late.json().getString("error"))
                .isEqualTo("prerequisite_failed: task " + failed + " did not succeed");
        assertThat(late.json().getString("completedAt")).isNotNull();
    }

    @Test
    void whatNoRemoteWorkerOffersSaysSo() {
        var told = explain(submit(new JsonObject().put("type", "agent").put("handler", "resize")));

        assertThat(told.getString("summary")).isEqualTo("no remote worker offers the handler 'resize'");
        assertThat(told.getJsonObject("place").getString("queue")).isNull();
    }

    @Test
    void aTaskThatHasEndedSaysHow() {
        var id = submit(
                new JsonObject().put("type", "shell").put("command", "exit 3").put("maxRetries", 0));
        until("it failed", PATIENCE, () -> state(id).equals("failed"));

        var told = explain(id);

        assertThat(told.getString("summary")).startsWith("it has ended: failed, ");
        assertThat(told.getValue("place")).isNull();
    }

    @Test
    void oneThatDoesNotExistIsNotExplained() {
        assertThat(client.get(TASKS + "/01980f6e-5a10-7000-8b2d-5f3180000001/explain")
                        .send()
                        .status())
                .isEqualTo(404);
    }

    private static JsonObject sleep(int millis) {
        return new JsonObject()
                .put("type", "handler")
                .put("handler", "sleep")
                .put("input", new JsonObject().put("ms", millis));
    }

    private static String submit(JsonObject task) {
        var reply = client.post(TASKS).json(task).send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        return reply.json().getString("id");
    }

    private static JsonObject explain(String id) {
        var reply = client.get(TASKS + "/" + id + "/explain").send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        return reply.json();
    }

    private static String state(String id) {
        return client.get(TASKS + "/" + id).send().json().getString("state");
    }
}
