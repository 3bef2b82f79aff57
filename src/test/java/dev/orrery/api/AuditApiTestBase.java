package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Call;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** A node that asks everybody for its token, and calls that change something. */
abstract class AuditApiTestBase {

    static final String TOKEN = "the-token-of-the-node";
    static final String SECRET = "a secret that is long enough";
    private static final String LATER = "2040-01-01T00:00:00Z";

    @TempDir
    static Path folder;

    static NodeUnderTest node;
    static ApiClient client;

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

    static Call by(Call call) {
        return call.header("Authorization", "Bearer " + TOKEN);
    }

    static JsonObject done(String method, String path, JsonObject body) {
        var call = by(client.call(method, "/api/v1" + path));
        var reply = (body == null ? call : call.json(body)).send();
        assertThat(reply.status()).as(method + " " + path + ": " + reply.body()).isBetween(200, 204);
        return reply.body().length() == 0 ? new JsonObject() : reply.json();
    }

    static JsonObject get(String path) {
        return by(client.get("/api/v1" + path)).send().json();
    }

    static JsonArray listed(String query) {
        return get("/audit?" + query).getJsonArray("items");
    }

    static JsonArray of(String tenant, String query) {
        return by(client.get("/api/v1/audit?" + query))
                .header("Orrery-Tenant", tenant)
                .send()
                .json()
                .getJsonArray("items");
    }

    static String dag(String name, String yaml) {
        return done("POST", "/dags", new JsonObject().put("name", name).put("yaml", yaml))
                .getString("id");
    }

    static JsonObject later() {
        return new JsonObject().put("type", "handler").put("handler", "noop").put("notBefore", LATER);
    }

    static JsonObject task(JsonObject body) {
        return done("POST", "/tasks", body);
    }

    static JsonObject jobBody(String name, String handler) {
        return new JsonObject()
                .put("name", name)
                .put("type", "cron")
                .put("schedule", "0 0 1 1 *")
                .put("maxRetries", 0)
                .put("handlerName", handler);
    }

    static String job(String name, String handler) {
        return done("POST", "/jobs", jobBody(name, handler)).getString("id");
    }

    static void webhook(String name) {
        done(
                "POST",
                "/webhooks",
                new JsonObject()
                        .put("name", name)
                        .put("scheme", "standard")
                        .put("secrets", new JsonArray().add(SECRET))
                        .put("eventName", name));
    }

    static Call delivered(String webhook, String id) {
        var at = Instant.now().getEpochSecond();
        var body = "{\"a\": 1}";
        return client.post("/api/v1/webhooks/" + webhook)
                .header("webhook-id", id)
                .header("webhook-timestamp", Long.toString(at))
                .header("webhook-signature", "v1," + signature(id + "." + at + "." + body))
                .body("application/json", Buffer.buffer(body));
    }

    static String signature(String text) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(SECRET.getBytes(UTF_8), "HmacSHA256"));
            return Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
