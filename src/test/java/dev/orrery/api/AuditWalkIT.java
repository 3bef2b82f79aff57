package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Every operation that changes something is told in the audit log. */
class AuditWalkIT extends AuditApiTestBase {

    /** What remote workers do all the time is work, which is told where its tasks are told. */
    private static final Set<String> WORK = Set.of(
            "pollRemoteWorker", "beatRemoteWorker", "completeClaim", "failClaim", "logOfClaim", "progressOfClaim");

    private static final AtomicInteger NAMES = new AtomicInteger();

    @Test
    void everyOperationThatChangesSomethingIsTold() {
        changeQueuesAndTenants();
        changeDagsAndRuns();
        changeTasks();
        changeJobs();
        changeEventsAndWebhooks();
        changeLetters();
        changeWorkersAndNodes();

        var told = new TreeSet<String>();
        listed("limit=500").forEach(entry -> told.add(((JsonObject) entry).getString("operation")));
        var expected = new TreeSet<String>();
        node.contract.resolved().operations().stream()
                .filter(operation -> !operation.getHttpMethod().name().equals("GET"))
                .map(operation -> operation.getOperationId())
                .filter(id -> !WORK.contains(id))
                .forEach(expected::add);
        assertThat(told).isEqualTo(expected);
    }

    private static void changeQueuesAndTenants() {
        done("PUT", "/queues/walked", new JsonObject().put("maxRunning", 2));
        done("POST", "/queues/walked/pause", null);
        done("POST", "/queues/walked/resume", null);
        done("DELETE", "/queues/walked", null);
        done("PUT", "/limits/walked", new JsonObject().put("maxRunning", 2));
        done("DELETE", "/limits/walked", null);
        done("POST", "/tenants", new JsonObject().put("name", "short-lived"));
        done("DELETE", "/tenants/short-lived", null);
    }

    private static void changeDagsAndRuns() {
        var dag = dag("walked", "tasks: [{id: a, type: shell, command: 'sleep 60'}]");
        done("PUT", "/dags/" + dag, new JsonObject().put("yaml", "tasks: [{id: a, type: shell, command: 'sleep 61'}]"));
        done("POST", "/dags/" + dag + "/pause", null);
        done("POST", "/dags/" + dag + "/resume", null);
        var run = done("POST", "/dags/" + dag + "/runs", null).getString("runId");
        var other = done("POST", "/dags/" + dag + "/runs", null).getString("runId");
        until(
                "it runs",
                () -> get("/runs/" + run + "/tasks/a").getString("state").equals("running"));
        done("POST", "/runs/" + run + "/tasks/a/cancel", null);
        done("POST", "/runs/" + other + "/cancel", null);
        for (var each : List.of(run, other)) {
            until(
                    "it has ended",
                    () -> Set.of("failed", "cancelled")
                            .contains(get("/runs/" + each).getString("state")));
        }
        done("DELETE", "/runs/" + other, null);
        done("DELETE", "/dags/" + dag, null);
    }

    private static void changeTasks() {
        var first = task(later()).getString("id");
        var second = done("POST", "/tasks/batch", new JsonObject().put("tasks", List.of(later())))
                .getJsonArray("tasks")
                .getJsonObject(0)
                .getString("id");
        done("PATCH", "/tasks/" + first, new JsonObject().put("priority", 9));
        done("POST", "/tasks/" + first + "/snooze", new JsonObject().put("notBefore", "2041-01-01T00:00:00Z"));
        done("POST", "/tasks/" + first + "/dependencies", new JsonObject().put("prerequisiteTaskId", second));
        done("POST", "/tasks/" + second + "/cancel", null);
        done("POST", "/tasks/" + second + "/retry", null);
    }

    private static void changeJobs() {
        var job = job("walked", "no-such-handler");
        done("PATCH", "/jobs/" + job, new JsonObject().put("schedule", "0 0 2 1 *"));
        done("POST", "/jobs/" + job + "/pause", null);
        done("POST", "/jobs/" + job + "/resume", null);
        var execution = done("POST", "/jobs/" + job + "/trigger", null).getString("id");
        until(
                "it has failed",
                () -> get("/executions/" + execution).getString("status").equals("failed"));
        done("POST", "/executions/" + execution + "/retry", null);
        done("POST", "/jobs/" + job + "/cancel", null);
        done("DELETE", "/jobs/" + job, null);
    }

    private static void changeEventsAndWebhooks() {
        var handler = done(
                        "POST",
                        "/event-handlers",
                        new JsonObject().put("eventName", "walked").put("handlerName", "echo"))
                .getString("id");
        done("PATCH", "/event-handlers/" + handler, new JsonObject().put("enabled", false));
        done("DELETE", "/event-handlers/" + handler, null);
        var event = done(
                        "POST",
                        "/events",
                        new JsonObject().put("name", "walked").put("payload", new JsonObject().put("a", 1)))
                .getJsonArray("events")
                .getJsonObject(0)
                .getString("id");
        done("POST", "/events/" + event + "/replay", new JsonObject());
        done(
                "POST",
                "/events/replay",
                new JsonObject()
                        .put("name", "walked")
                        .put("from", "2020-01-01T00:00:00Z")
                        .put("to", "2036-01-01T00:00:00Z"));
        webhook("walked");
        done(
                "PATCH",
                "/webhooks/walked",
                new JsonObject()
                        .put("secrets", new JsonArray().add(SECRET + "2").add(SECRET)));
        assertThat(delivered("walked", "d-1").send().status()).isEqualTo(202);
        done("DELETE", "/webhooks/walked", null);
    }

    private static void changeLetters() {
        var letters = List.of(letter(), letter(), letter(), letter());
        done("POST", "/dead-letters/" + letters.get(0) + "/redrive", new JsonObject());
        done("POST", "/dead-letters/" + letters.get(1) + "/discard", new JsonObject().put("reason", "no use"));
        var slow = new JsonArray().add(letters.get(2));
        for (var n = 0; n < 60; n++) {
            slow.add(new UUID(0x01980f6e_7000_7000L, 0x8000_0000_0000_0000L + n).toString());
        }
        var redrive = done(
                "POST",
                "/dead-letters/redrive",
                new JsonObject().put("ids", slow).put("ratePerSecond", 1));
        done("POST", "/dead-letters/redrives/" + redrive.getString("id") + "/cancel", null);
        done(
                "POST",
                "/dead-letters/discard",
                new JsonObject().put("ids", List.of(letters.get(3))).put("reason", "no use"));
    }

    private static void changeWorkersAndNodes() {
        var worker = done(
                "POST", "/remote-workers", new JsonObject().put("name", "w").put("handlers", List.of("walked")));
        var left = by(client.delete("/api/v1/remote-workers/" + worker.getString("id")))
                .header("Orrery-Worker-Token", worker.getString("token"))
                .send();
        assertThat(left.status()).isEqualTo(204);
        // It is told, and takes its time; the tests beside this one are answered meanwhile.
        var gone = node.value("INSERT INTO orrery.nodes (id, name, pid, mode, version)"
                + " VALUES ('" + new UUID(0x01980f6e_0000_7000L, 0x8000_0000_0000_0001L)
                + "', 'elsewhere', 1, 'cluster', '1') RETURNING id");
        done("POST", "/nodes/" + gone + "/drain", null);
    }

    /** A dead letter of its own. */
    private static String letter() {
        var name = "dead-" + NAMES.incrementAndGet();
        task(new JsonObject()
                .put("name", name)
                .put("type", "handler")
                .put("handler", "no-such-handler")
                .put("maxRetries", 0));
        until("it is dead", () -> !letters(name).isEmpty());
        return letters(name).getJsonObject(0).getString("id");
    }

    private static JsonArray letters(String name) {
        return get("/dead-letters?name=" + name).getJsonArray("items");
    }
}
