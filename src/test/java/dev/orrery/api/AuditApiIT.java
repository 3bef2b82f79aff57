package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;

/** Who changed what, on a node that asks everybody for its token. */
class AuditApiIT extends AuditApiTestBase {

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
}
