package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Single tasks that are there, changed over HTTP. */
class TaskCallsApiIT {

    private static final String TASKS = "/api/v1/tasks";

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
    void aTaskIsCancelledWithItsChildrenAndRetried() {
        var task = submitted(shell("sleep 60"));
        var child = submitted(later().put("parentTaskId", task));
        var behind = submitted(later().put("dependencies", new JsonArray().add(task)));
        awaitState(task, "running");

        var reply = client.post(TASKS + "/" + task + "/cancel").send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(202);
        awaitState(task, "cancelled");
        awaitState(behind, "cancelled");
        assertThat(state(child)).isEqualTo("cancelled");

        reply = client.post(TASKS + "/" + task + "/retry").send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        assertThat(state(behind)).isEqualTo("blocked");
        assertThat(client.post(TASKS + "/" + task + "/retry").send().status()).isEqualTo(409);
        client.post(TASKS + "/" + task + "/cancel").send();
        awaitState(task, "cancelled");
    }

    @Test
    void anotherNodeGoesOnWithTheCascadesOfOneThatIsGone() {
        var root = submitted(later());
        var failed = submitted(later());
        many(later().put("parentTaskId", root));
        many(shell("true").put("dependencies", new JsonArray().add(failed)));

        node.restart(() -> {
            for (var id : List.of(root, failed)) {
                node.value("SELECT verdict FROM cancel_task(1, '" + id + "', NULL, NULL, NULL)");
            }
            assertThat(node.rows("task_timers", "true")).isGreaterThan(5_000);
            assertThat(node.rows("task_wait", "true")).isGreaterThan(5_000);
        });

        until(
                "the new node has ended them",
                () -> node.rows(
                                        "task_timers t JOIN orrery.task_instances i ON i.id = t.ref",
                                        "i.parent_id = '" + root + "'")
                                == 0
                        && node.rows("task_wait", "true") == 0);
        assertThat(node.rows("tree_cancels", "true") + node.rows("task_cascades", "true"))
                .isZero();
    }

    /** More than two steps of a cascade. */
    private static void many(JsonObject task) {
        for (var n = 0; n < 3; n++) {
            var reply = client.post(TASKS + "/batch")
                    .json(new JsonObject().put("tasks", new JsonArray(Collections.nCopies(8_000, task))))
                    .send();
            assertThat(reply.status()).isEqualTo(201);
        }
    }

    @Test
    void whoSubmitsBySqlIsHeldToTheSettingsOfTheNode() {
        node.value("UPDATE queue_settings SET max_dependencies = 1, max_depth = 1 RETURNING 1");

        until(
                "the leader has told its own",
                () -> node.rows("queue_settings", "max_dependencies = 50 AND max_depth = 10") == 1);
    }

    @Test
    void aTaskIsPutOffAndComesToWaitForAnotherOne() {
        var first = submitted(later());
        var second = submitted(later());

        var snoozed = client.post(TASKS + "/" + first + "/snooze")
                .json(new JsonObject().put("for", "2h"))
                .send();
        assertThat(snoozed.status()).as(snoozed.body().toString()).isEqualTo(200);
        assertThat(Instant.parse(snoozed.json().getString("notBefore")))
                .isAfter(Instant.now().plusSeconds(7_000));
        var added = depend(second, first);
        assertThat(added.status()).as(added.body().toString()).isEqualTo(200);
        assertThat(added.json().getString("state")).isEqualTo("blocked");
        assertThat(added.json().getJsonArray("dependencies")).containsExactly(first);

        var circle = depend(first, second);
        assertThat(circle.status()).isEqualTo(409);
        assertThat(circle.json().getString("code")).isEqualTo("DEPENDENCY_CYCLE");
        assertThat(client.post(TASKS + "/" + first + "/snooze")
                        .json(new JsonObject())
                        .send()
                        .status())
                .isEqualTo(400);
        client.post(TASKS + "/" + first + "/cancel").send();
        assertThat(state(second)).isEqualTo("cancelled");
    }

    @Test
    void whatWasCancelledWaitsForNothingUntilItIsRevived() {
        var first = submitted(later());
        var second = submitted(later().put("dependencies", new JsonArray().add(first)));
        var third = submitted(later().put("dependencies", new JsonArray().add(first)));

        client.post(TASKS + "/" + second + "/cancel").send();

        assertThat(waiting(first, "blocks")).containsExactly(third);
        assertThat(waiting(second, "blockedBy")).isEmpty();
        assertThat(waiting(third, "blockedBy")).containsExactly(first);

        client.post(TASKS + "/" + second + "/retry").send();

        assertThat(waiting(first, "blocks")).containsExactlyInAnyOrder(second, third);
        assertThat(waiting(second, "blockedBy")).containsExactly(first);
    }

    /** Who is on this list of a task, which is as long as it says. */
    private static List<String> waiting(String id, String list) {
        var task = client.get(TASKS + "/" + id).send().json();
        var ids = task.getJsonArray(list).stream()
                .map(each -> ((JsonObject) each).getString("id"))
                .toList();
        assertThat(task.getInteger(list + "Count")).as(list).isEqualTo(ids.size());
        return ids;
    }

    @Test
    void howUrgentATaskIsChangesWithWhatItWaitsFor() {
        var first = submitted(later());
        var second = submitted(later().put("dependencies", new JsonArray().add(first)));

        var reply = patch(second, new JsonObject().put("priority", 9).put("deadline", "2099-01-01T00:00:00Z"));

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        assertThat(reply.json().getInteger("priority")).isEqualTo(9);
        var place = client.get(TASKS + "/" + first + "/explain").send().json().getJsonObject("place");
        assertThat(place.getDouble("priority")).isGreaterThan(9.0);
        assertThat(Instant.parse(place.getString("mustStartBy"))).isEqualTo(Instant.parse("2099-01-01T00:00:00Z"));
        assertThat(patch(second, new JsonObject().putNull("deadline")).json().getString("deadline"))
                .isNull();
        assertThat(client.get(TASKS + "/" + first + "/explain")
                        .send()
                        .json()
                        .getJsonObject("place")
                        .getString("mustStartBy"))
                .isNull();

        assertThat(patch(second, new JsonObject()).status()).isEqualTo(400);
        assertThat(patch(second, new JsonObject().put("priority", 11)).status()).isEqualTo(400);
        assertThat(patch(second, new JsonObject().put("deadline", "soon")).status())
                .isEqualTo(400);
        client.post(TASKS + "/" + first + "/cancel").send();
        assertThat(patch(second, new JsonObject().put("priority", 1)).status()).isEqualTo(409);
    }

    @Test
    void aTaskThatRunsPutsItselfOff() {
        var task =
                submitted(shell("[ $ORRERY_ATTEMPT = 2 ] || echo ::snooze 1s").put("maxRetries", 0));
        awaitState(task, "completed");
        assertThat(outcomes(task)).containsExactly("snoozed", "succeeded");

        var long1 = submitted(shell("echo ::snooze 2h").put("maxRetries", 0));
        until("it is put off", () -> outcomes(long1).equals(List.of("snoozed")));
        var told = client.get(TASKS + "/" + long1 + "/explain").send().json();
        assertThat(told.getString("summary")).startsWith("attempt 1 put it off, and it is run again");
        assertThat(told.getJsonArray("reasons").getJsonObject(0).getString("kind"))
                .isEqualTo("time");
        client.post(TASKS + "/" + long1 + "/cancel").send();
        assertThat(state(long1)).isEqualTo("cancelled");
    }

    private static List<Object> outcomes(String task) {
        return client.get(TASKS + "/" + task).send().json().getJsonArray("attempts").stream()
                .<Object>map(attempt -> ((JsonObject) attempt).getString("outcome"))
                .toList();
    }

    private static ApiClient.Reply patch(String task, JsonObject body) {
        return client.call("PATCH", TASKS + "/" + task).json(body).send();
    }

    @Test
    void aTaskWaitsForItsChildren() {
        var parent = submitted(shell("true").put("waitForChildren", true).put("notBefore", soon()));
        var child = submitted(shell("sleep 1").put("parentTaskId", parent));

        awaitState(parent, "completed");

        assertThat(state(child)).isEqualTo("completed");
    }

    private static ApiClient.Reply depend(String task, String on) {
        return client.post(TASKS + "/" + task + "/dependencies")
                .json(new JsonObject().put("prerequisiteTaskId", on))
                .send();
    }

    private static String submitted(JsonObject task) {
        var reply = client.post(TASKS).json(task).send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        return reply.json().getString("id");
    }

    private static JsonObject shell(String command) {
        return new JsonObject().put("type", "shell").put("command", command);
    }

    private static JsonObject later() {
        return shell("true").put("notBefore", Instant.now().plusSeconds(3_600).toString());
    }

    private static String soon() {
        return Instant.now().plusMillis(300).toString();
    }

    private static String state(String id) {
        return client.get(TASKS + "/" + id).send().json().getString("state");
    }

    private static void awaitState(String id, String state) {
        until("task " + id + " is " + state, () -> state(id).equals(state));
    }
}
