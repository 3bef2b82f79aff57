package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Locks as users meet them: in the file, in the list, and in the environment of tasks. */
class LocksApiIT {

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
    void aRunKeepsTheLockOfItsDagToItsEndAndTheNextOneWaits() {
        var dag = node.publish("deploy", """
                lock: production
                tasks:
                  - {id: first, type: handler, handler: noop}
                  - {id: last, type: handler, handler: sleep, input: {ms: 600000}, dependencies: [first]}
                """);
        var first = node.trigger(dag);
        until("the first run is at its last task", () -> state(first, "last").equals("running"));
        var second = node.trigger(dag);

        until("the second run waits", () -> lock("production").getInteger("waiting") == 1);
        assertThat(state(second, "first")).isEqualTo("ready");
        assertThat(lock("production").getString("runId")).isEqualTo(first);
        assertThat(lock("production").getString("dagName")).isEqualTo("deploy");
        assertThat(lock("production").getValue("taskId")).isNull();
        assertThat(lock("production").getString("heldSince")).isNotNull();

        client.post("/api/v1/runs/" + first + "/cancel").send();
        until("the second run goes on", () -> state(second, "last").equals("running"));
        assertThat(lock("production").getString("runId")).isEqualTo(second);
        assertThat(lock("production").getInteger("fence")).isEqualTo(2);

        client.post("/api/v1/runs/" + second + "/cancel").send();
        node.ended(second);
        assertThat(lock("production").getValue("runId")).isNull();
        assertThat(lock("production").getValue("heldSince")).isNull();
    }

    @Test
    void aTaskIsToldTheNumberOfItsOwnLockElseOfItsDags() {
        var dag = node.publish("numbers", """
                lock: of-dag
                tasks:
                  - {id: own, type: shell, command: 'echo "::output $ORRERY_LOCK_FENCE"', lock: of-task}
                  - {id: dag, type: shell, command: 'echo "::output $ORRERY_LOCK_FENCE"', dependencies: [own]}
                """);
        node.ended(node.trigger(dag));
        var other = node.publish(
                "no-lock",
                "tasks: [{id: own, type: shell, command: 'echo \"::output [\\\"$ORRERY_LOCK_FENCE\\\"]\"'}]");
        node.ended(
                node.trigger(
                        node.publish(
                                "more",
                                "tasks: [{id: a, type: shell, command: 'true', lock: of-task}, {id: b, type: shell, command: 'true', lock: of-task}]")));

        var run = node.trigger(dag);
        node.ended(run);
        var free = node.trigger(other);
        node.ended(free);

        assertThat(task(run, "own").getInteger("output")).isEqualTo(4);
        assertThat(task(run, "dag").getInteger("output")).isEqualTo(2);
        assertThat(task(free, "own").getJsonArray("output")).containsExactly("");
    }

    @Test
    void theListGoesOnWhereItsCursorSays() {
        node.publish("three", """
                tasks:
                  - {id: a, type: handler, handler: noop, lock: z.1}
                  - {id: b, type: handler, handler: noop, lock: z.2}
                  - {id: c, type: handler, handler: noop, lock: z.3}
                """);

        var page = client.get("/api/v1/locks?limit=2&cursor=z").send().json();

        assertThat(names(page)).containsExactly("z.1", "z.2");
        assertThat(page.getString("nextCursor")).isEqualTo("z.2");
        var rest = client.get("/api/v1/locks?limit=2&cursor=z.2").send().json();
        assertThat(names(rest)).containsExactly("z.3");
        assertThat(rest.getValue("nextCursor")).isNull();
        assertThat(client.get("/api/v1/locks?cursor=%00").send().status()).isEqualTo(400);
    }

    @Test
    void aTaskCannotWantTheLockOfItsOwnDag() {
        var answer = client.post("/api/v1/dags")
                .json(new JsonObject().put("name", "itself").put("yaml", """
                        lock: me
                        tasks:
                          - {id: a, type: handler, handler: noop, lock: me}
                        """))
                .send();

        assertThat(answer.status()).isEqualTo(400);
        var problem = answer.json().getJsonArray("details").getJsonObject(0);
        assertThat(problem.getString("code")).isEqualTo("LOCK_WITHIN_ITSELF");
        assertThat(problem.getInteger("line")).isEqualTo(3);
    }

    private static List<String> names(JsonObject page) {
        return page.getJsonArray("items").stream()
                .map(lock -> ((JsonObject) lock).getString("name"))
                .toList();
    }

    private static JsonObject lock(String name) {
        return client.get("/api/v1/locks?limit=500").send().json().getJsonArray("items").stream()
                .map(JsonObject.class::cast)
                .filter(lock -> lock.getString("name").equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static JsonObject task(String run, String task) {
        return client.get("/api/v1/runs/" + run + "/tasks/" + task).send().json();
    }

    private static String state(String run, String task) {
        return task(run, task).getString("state");
    }
}
