package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.api.ApiClient.Call;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.util.PSQLException;

/** Who changed what, on a node that asks everybody for its token. */
class AuditApiIT {

    private static final String TOKEN = "the-token-of-the-node";
    private static final String SECRET = "a secret that is long enough";
    private static final String LATER = "2040-01-01T00:00:00Z";

    /** What remote workers do all the time is work, which is told where its tasks are told. */
    private static final Set<String> WORK = Set.of(
            "pollRemoteWorker", "beatRemoteWorker", "completeClaim", "failClaim", "logOfClaim", "progressOfClaim");

    @TempDir
    static Path folder;

    private static NodeUnderTest node;
    private static ApiClient client;
    private static final AtomicInteger NAMES = new AtomicInteger();

    @BeforeAll
    static void start() {
        node = NodeUnderTest.guarded(folder, TOKEN);
        client = node.client;
        done("POST", "/tenants", new JsonObject().put("name", "acme"));
        done("POST", "/tenants", new JsonObject().put("name", "other"));
    }

    @AfterAll
    static void stop() {
        node.close();
    }

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

    @Test
    void aChangeIsToldWithWhoWhenAndWhatItWasBeforeAndAfter() {
        done("PUT", "/queues/told", new JsonObject().put("maxRunning", 2));
        by(client.post("/api/v1/queues/told/pause"))
                .header("Orrery-Actor", "ada")
                .header("Idempotency-Key", "pause-1")
                .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                .send();

        var entry = listed("kind=queue&resource=told").getJsonObject(0);

        assertThat(entry.getString("operation")).isEqualTo("pauseQueue");
        assertThat(entry.getString("actor")).isEqualTo("token");
        assertThat(entry.getString("actorName")).isEqualTo("ada");
        assertThat(entry.getString("tenant")).isEqualTo("default");
        assertThat(entry.getString("address")).isEqualTo("127.0.0.1");
        assertThat(entry.getString("idempotencyKey")).isEqualTo("pause-1");
        assertThat(entry.getString("trace")).startsWith("00-0af7651916cd43dd8448eb211c80319c");
        assertThat(Instant.parse(entry.getString("at"))).isAfter("2026-01-01T00:00:00Z");
        assertThat(entry.getJsonObject("before"))
                .isEqualTo(
                        new JsonObject().put("weight", 1).put("maxRunning", 2).put("paused", false));
        assertThat(entry.getJsonObject("after"))
                .isEqualTo(
                        new JsonObject().put("weight", 1).put("maxRunning", 2).put("paused", true));
        assertThat(listed("actor=ada&operation=pauseQueue&resource=told")).hasSize(1);
        assertThat(listed("actor=ada&operation=resumeQueue&resource=told")).isEmpty();
        assertThat(listed("resource=told&to=2026-01-01T00:00:00Z")).isEmpty();
        assertThat(listed("resource=told&from=2026-01-01T00:00:00Z")).hasSize(2);
    }

    @Test
    void whatChangesNothingIsNotTold() {
        done("PUT", "/queues/once", new JsonObject().put("maxRunning", 2));
        for (var n = 0; n < 2; n++) {
            by(client.post("/api/v1/queues/once/pause"))
                    .header("Idempotency-Key", "once")
                    .send();
        }
        done("POST", "/queues/once/pause", null);
        assertThat(by(client.post("/api/v1/queues/no-such/pause")).send().status())
                .isEqualTo(404);

        assertThat(listed("resource=once")).hasSize(2);
        assertThat(listed("resource=no-such")).isEmpty();
    }

    @Test
    void requestsByTheThousandAreToldWithoutARowOfTheirOwn() {
        var task = task(later()).getString("id");
        var batch = done("POST", "/tasks/batch", new JsonObject().put("tasks", List.of(later(), later(), later())))
                .getJsonArray("tasks");
        var again = by(client.post("/api/v1/tasks"))
                .header("Idempotency-Key", "again-task")
                .json(later());
        again.send();
        again.send();

        assertThat(listed("resource=" + task)).singleElement().satisfies(entry -> {
            assertThat(((JsonObject) entry).getString("operation")).isEqualTo("submitTask");
            assertThat(((JsonObject) entry).getInteger("requests")).isGreaterThanOrEqualTo(1);
        });
        var last = batch.getJsonObject(2).getString("id");
        assertThat(listed("resource=" + last))
                .singleElement()
                .satisfies(entry ->
                        assertThat(((JsonObject) entry).getString("operation")).isEqualTo("submitTasks"));
        assertThat(listed("resource=" + last + "&tenant=acme")).isEmpty();
        assertThat(node.value("SELECT count(*) FROM orrery.audit_log WHERE idempotency_key = 'again-task'"))
                .isEqualTo("1");
    }

    @Test
    void noSecretIsEverTold() {
        webhook("secretive");
        done("PATCH", "/webhooks/secretive", new JsonObject().put("secrets", new JsonArray().add(SECRET + " new")));
        var job = job("secretive", "echo");
        done("PATCH", "/jobs/" + job, new JsonObject().put("payload", new JsonObject().put("password", "hunter2")));
        task(later().put("input", new JsonObject().put("password", "hunter2")));
        var worker = done(
                "POST", "/remote-workers", new JsonObject().put("name", "s").put("handlers", List.of("secretive")));

        var all = node.value("SELECT string_agg(a::text, ' ') FROM orrery.audit_log a");

        assertThat(listed("kind=webhook&resource=secretive")).hasSize(2);
        assertThat(listed("kind=job&resource=" + job)).hasSize(2);
        assertThat(all).contains(job).doesNotContain(SECRET, "hunter2", TOKEN, worker.getString("token"));
    }

    @Test
    void aTenantSeesOnlyItsOwn() {
        var mine = job("acme", "echo");
        var theirs = by(client.post("/api/v1/jobs"))
                .header("Orrery-Tenant", "acme")
                .json(jobBody("acme", "echo"))
                .send()
                .json()
                .getString("id");

        assertThat(of("acme", "limit=500").toString()).contains(theirs).doesNotContain(mine);
        assertThat(of("acme", "resource=" + mine)).isEmpty();
        assertThat(of("acme", "resource=" + theirs + "&tenant=acme")).hasSize(1);
        assertThat(of("other", "limit=500")).isEmpty();
        assertThat(by(client.get("/api/v1/audit?tenant=acme"))
                        .header("Orrery-Tenant", "other")
                        .send()
                        .code())
                .isEqualTo("FORBIDDEN");
        assertThat(listed("tenant=acme&resource=" + theirs)).hasSize(1);
        assertThat(listed("tenant=default&resource=" + theirs)).isEmpty();
    }

    @Test
    void nobodyChangesOrDeletesARow() {
        done("PUT", "/limits/kept", new JsonObject().put("maxRunning", 2));

        for (var attempt : List.of(
                "UPDATE orrery.audit_log SET actor = 'nobody' RETURNING id",
                "DELETE FROM orrery.audit_log RETURNING id",
                "SET orrery.audit_purge = 'yes'; DELETE FROM orrery.audit_log RETURNING id",
                "TRUNCATE orrery.audit_log")) {
            assertThatThrownBy(() -> node.value(attempt))
                    .hasRootCauseInstanceOf(PSQLException.class)
                    .rootCause()
                    .hasMessageContaining("the audit log is append-only");
        }
        assertThat(listed("resource=kept")).hasSize(1);
    }

    @Test
    void whatCannotBeToldIsNotDone() {
        done("PUT", "/limits/untold", new JsonObject().put("maxRunning", 2));
        node.execute("CREATE FUNCTION orrery.refuse_untold() RETURNS trigger LANGUAGE plpgsql AS"
                + " 'BEGIN RAISE EXCEPTION ''no''; END'");
        node.execute("CREATE TRIGGER refuse_untold BEFORE INSERT ON orrery.audit_log FOR EACH ROW"
                + " WHEN (NEW.actor_name = 'untold') EXECUTE FUNCTION orrery.refuse_untold()");

        var changed = by(client.call("PUT", "/api/v1/limits/untold"))
                .header("Orrery-Actor", "untold")
                .json(new JsonObject().put("maxRunning", 9))
                .send();
        var submitted = by(client.post("/api/v1/tasks"))
                .header("Orrery-Actor", "untold")
                .json(later().put("sessionId", "untold"))
                .send();

        assertThat(changed.status()).isEqualTo(500);
        assertThat(get("/limits/untold").getInteger("maxRunning")).isEqualTo(2);
        assertThat(submitted.status()).isEqualTo(500);
        assertThat(node.rows("task_instances", "session_id = 'untold'")).isZero();
    }

    @Test
    void aRunningTaskIsToldByItsIdAndSeesNoAudit() throws IOException {
        var file = folder.resolve("token");
        var task = task(new JsonObject()
                        .put("type", "shell")
                        .put(
                                "command",
                                "printf %s $ORRERY_TOKEN > " + file + ".new; mv " + file + ".new " + file
                                        + "; until [ -e " + file + ".go ]; do sleep 0.02; done"))
                .getString("id");
        until("it runs", () -> Files.exists(file));
        var token = Files.readString(file);

        var child = client.post("/api/v1/tasks")
                .header("Authorization", "Bearer " + token)
                .json(later())
                .send()
                .json()
                .getString("id");
        var audit = client.get("/api/v1/audit")
                .header("Authorization", "Bearer " + token)
                .send();

        assertThat(listed("resource=" + child).getJsonObject(0).getString("actor"))
                .isEqualTo("task:" + task);
        assertThat(audit.code()).isEqualTo("OUT_OF_SCOPE");
        Files.createFile(Path.of(file + ".go"));
    }

    @Test
    void aDeliveryIsToldByItsWebhook() {
        webhook("told");
        var event = delivered("told", "d-1").send().json().getString("eventId");
        delivered("told", "d-1").send();

        assertThat(listed("resource=" + event)).singleElement().satisfies(entry -> {
            assertThat(((JsonObject) entry).getString("actor")).isEqualTo("webhook:told");
            assertThat(((JsonObject) entry).getString("operation")).isEqualTo("receiveWebhook");
            assertThat(((JsonObject) entry).getString("tenant")).isEqualTo("default");
        });
    }

    @Test
    void aListIsReadPartByPart() {
        for (var n = 0; n < 3; n++) {
            done("PUT", "/limits/paged", new JsonObject().put("maxRunning", n + 1));
        }

        var seen = new HashSet<String>();
        var cursor = "";
        do {
            var part = by(client.get("/api/v1/audit?kind=limit&resource=paged&limit=2" + cursor))
                    .send()
                    .json();
            part.getJsonArray("items")
                    .forEach(entry -> seen.add(((JsonObject) entry)
                            .getJsonObject("after")
                            .getInteger("maxRunning")
                            .toString()));
            cursor = part.getString("nextCursor") == null ? "" : "&cursor=" + part.getString("nextCursor");
        } while (!cursor.isEmpty());

        assertThat(seen).containsExactlyInAnyOrder("1", "2", "3");
        assertThat(by(client.get("/api/v1/audit?cursor=nonsense")).send().status())
                .isEqualTo(400);
    }

    private static Call by(Call call) {
        return call.header("Authorization", "Bearer " + TOKEN);
    }

    private static JsonObject done(String method, String path, JsonObject body) {
        var call = by(client.call(method, "/api/v1" + path));
        var reply = (body == null ? call : call.json(body)).send();
        assertThat(reply.status()).as(method + " " + path + ": " + reply.body()).isBetween(200, 204);
        return reply.body().length() == 0 ? new JsonObject() : reply.json();
    }

    private static JsonObject get(String path) {
        return by(client.get("/api/v1" + path)).send().json();
    }

    private static JsonArray listed(String query) {
        return get("/audit?" + query).getJsonArray("items");
    }

    private static JsonArray of(String tenant, String query) {
        return by(client.get("/api/v1/audit?" + query))
                .header("Orrery-Tenant", tenant)
                .send()
                .json()
                .getJsonArray("items");
    }

    private static String dag(String name, String yaml) {
        return done("POST", "/dags", new JsonObject().put("name", name).put("yaml", yaml))
                .getString("id");
    }

    private static JsonObject later() {
        return new JsonObject().put("type", "handler").put("handler", "noop").put("notBefore", LATER);
    }

    private static JsonObject task(JsonObject body) {
        return done("POST", "/tasks", body);
    }

    private static JsonObject jobBody(String name, String handler) {
        return new JsonObject()
                .put("name", name)
                .put("type", "cron")
                .put("schedule", "0 0 1 1 *")
                .put("maxRetries", 0)
                .put("handlerName", handler);
    }

    private static String job(String name, String handler) {
        return done("POST", "/jobs", jobBody(name, handler)).getString("id");
    }

    private static void webhook(String name) {
        done(
                "POST",
                "/webhooks",
                new JsonObject()
                        .put("name", name)
                        .put("scheme", "standard")
                        .put("secrets", new JsonArray().add(SECRET))
                        .put("eventName", name));
    }

    private static Call delivered(String webhook, String id) {
        var at = Instant.now().getEpochSecond();
        var body = "{\"a\": 1}";
        return client.post("/api/v1/webhooks/" + webhook)
                .header("webhook-id", id)
                .header("webhook-timestamp", Long.toString(at))
                .header("webhook-signature", "v1," + signature(id + "." + at + "." + body))
                .body("application/json", Buffer.buffer(body));
    }

    private static String signature(String text) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET.getBytes(UTF_8), "HmacSHA256"));
            return Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
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
