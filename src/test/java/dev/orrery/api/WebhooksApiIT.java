package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Call;
import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

class WebhooksApiIT extends JobsApiTestBase {

    private static final String WEBHOOKS = "/api/v1/webhooks";
    private static final String SECRET = "a secret that is long enough";
    private static final String OTHER = "another secret, long enough too";
    private static final String TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private static final String PAID = "{\"order\":7,\"total\":1.50}";

    private static JsonObject webhook(String name, String scheme) {
        return new JsonObject()
                .put("name", name)
                .put("scheme", scheme)
                .put("secrets", new JsonArray().add(SECRET))
                .put("eventName", name + ".came");
    }

    private static void made(JsonObject webhook) {
        var answer = client.post(WEBHOOKS).json(webhook).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
    }

    private static byte[] hmac(String secret, String content) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(UTF_8), "HmacSHA256"));
            return mac.doFinal(content.getBytes(UTF_8));
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static Call signed(String name, String secret, String id, long at, String body) {
        var signature = Base64.getEncoder().encodeToString(hmac(secret, id + "." + at + "." + body));
        return client.post(WEBHOOKS + "/" + name)
                .header("webhook-id", id)
                .header("webhook-timestamp", Long.toString(at))
                .header("webhook-signature", "v1," + signature)
                .header("traceparent", TRACE)
                .body("application/json", Buffer.buffer(body));
    }

    private static Reply sent(String name, String id, String body) {
        return signed(name, SECRET, id, Instant.now().getEpochSecond(), body).send();
    }

    private static Reply github(String name, String event, String id, String body) {
        return client.post(WEBHOOKS + "/" + name)
                .header("X-GitHub-Event", event)
                .header("X-GitHub-Delivery", id)
                .header("X-Hub-Signature-256", "sha256=" + HexFormat.of().formatHex(hmac(SECRET, body)))
                .body("application/x-www-form-urlencoded", Buffer.buffer(body))
                .send();
    }

    private static int events(String name) {
        return node.rows("events", "name = '" + name + "'");
    }

    @Test
    void whatIsSignedBecomesAnEvent() {
        made(webhook("shop", "standard"));

        var reply = sent("shop", "msg_1", PAID);

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(202);
        assertThat(reply.json().getBoolean("repeated")).isFalse();
        assertThat(node.rows(
                        "events",
                        "id = '" + reply.json().getString("eventId") + "' AND name = 'shop.came' AND key = 'msg_1'"
                                + " AND source = 'webhook:shop' AND payload::text = '" + PAID
                                + "' AND traceparent = '" + TRACE + "'"))
                .isEqualTo(1);
    }

    @Test
    void aDeliveryThatIsSentAgainMakesNoSecondEvent() {
        made(webhook("again", "standard"));

        var first = sent("again", "msg_1", PAID);
        var second = sent("again", "msg_1", PAID);
        var other = sent("again", "msg_1", "{\"order\":8}");

        assertThat(second.json())
                .isEqualTo(new JsonObject()
                        .put("eventId", first.json().getString("eventId"))
                        .put("repeated", true));
        assertThat(other.code()).isEqualTo("CONFLICT");
        assertThat(events("again.came")).isEqualTo(1);
    }

    @Test
    void strangersLearnNothing() {
        made(webhook("closed", "standard"));
        var now = Instant.now().getEpochSecond();

        var answers = List.of(
                signed("closed", OTHER, "m", now, PAID).send(),
                signed("nobody", SECRET, "m", now, PAID).send(),
                signed("closed", OTHER, "m", 0, PAID).send(),
                signed("closed", OTHER, "m", now, "no JSON").send(),
                signed("closed?tenant=nobody", SECRET, "m", now, PAID).send(),
                client.post(WEBHOOKS + "/closed").json(PAID).send(),
                client.post(WEBHOOKS + "/closed").send());

        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.status()).isEqualTo(401);
            assertThat(answer.body()).isEqualTo(answers.getFirst().body());
            assertThat(answer.headers().toString())
                    .isEqualTo(answers.getFirst().headers().toString());
        });
        assertThat(events("closed.came")).isZero();
    }

    @Test
    void whoeverSignedItIsToldWhatIsWrong() {
        made(webhook("strict", "standard").put("toleranceSeconds", 60));
        var now = Instant.now().getEpochSecond();

        assertThat(signed("strict", SECRET, "old", now - 100, PAID)
                        .send()
                        .json()
                        .getString("message"))
                .contains("it was signed at", "takes 60 s of difference");
        assertThat(signed("strict", SECRET, "early", now + 100, PAID).send().code())
                .isEqualTo("VALIDATION_ERROR");
        assertThat(sent("strict", "text", "no JSON").code()).isEqualTo("PARSE_ERROR");
        assertThat(sent("strict", "x".repeat(256), PAID).code()).isEqualTo("VALIDATION_ERROR");
        assertThat(events("strict.came")).isZero();
    }

    @Test
    void aBodyThatIsTooLargeIsRefusedBeforeItIsRead() {
        var large = "\"" + "x".repeat(256 * 1024) + "\"";

        assertThat(sent("whoever", "m", large).status()).isEqualTo(413);
    }

    @Test
    void secretsCanBeChangedWhileDeliveriesComeIn() {
        made(webhook("turning", "standard"));
        var now = Instant.now().getEpochSecond();
        var path = WEBHOOKS + "/turning";

        client.call("PATCH", path)
                .json(new JsonObject().put("secrets", new JsonArray().add(OTHER).add(SECRET)))
                .send();
        assertThat(signed("turning", SECRET, "old", now, PAID).send().status()).isEqualTo(202);
        assertThat(signed("turning", OTHER, "new", now, PAID).send().status()).isEqualTo(202);

        var changed = client.call("PATCH", path)
                .json(new JsonObject().put("secrets", new JsonArray().add(OTHER)))
                .send();
        assertThat(changed.json().getInteger("secrets")).isEqualTo(1);
        assertThat(signed("turning", SECRET, "late", now, PAID).send().status()).isEqualTo(401);
    }

    @Test
    void noSecretComesOutAgain() {
        var refused = client.post(WEBHOOKS)
                .json(webhook("hidden", "standard").put("secrets", new JsonArray().add("too short")))
                .send();
        made(webhook("hidden", "standard"));

        assertThat(refused.problem().getString("path")).isEqualTo("secrets[0]");
        assertThat(refused.body().toString()).doesNotContain("too short");
        assertThat(client.get(WEBHOOKS + "/hidden").send().body().toString()).doesNotContain(SECRET);
        assertThat(client.get(WEBHOOKS).send().body().toString()).doesNotContain(SECRET);
    }

    @Test
    void theNameOfTheEventCanComeFromTheRequest() {
        var webhook = webhook("repo", "github")
                .put("eventNameFrom", "'github.' + request.headers['x-github-event']")
                .put("keyFrom", "request.body.id");
        webhook.remove("eventName");
        made(webhook);

        var push = github("repo", "push", "d-1", "{\"id\":\"k-1\",\"ref\":\"refs/heads/main\"}");
        var failed = github("repo", "ping", "d-2", "{\"zen\":\"…\"}");

        assertThat(push.status()).as(push.body().toString()).isEqualTo(202);
        assertThat(node.rows("events", "name = 'github.push' AND key = 'k-1'")).isEqualTo(1);
        assertThat(failed.json().getString("message"))
                .startsWith("the delivery cannot be taken: the webhook's keyFrom: there is no 'id'");
    }

    @Test
    void aPlainSignatureStandsInAHeaderOfChoice() {
        made(webhook("plain", "plain").put("header", "X-Shop-Signature"));

        var reply = client.post(WEBHOOKS + "/plain")
                .header("x-shop-signature", HexFormat.of().formatHex(hmac(SECRET, PAID)))
                .json(PAID)
                .send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(202);
    }

    @Test
    void aTenantsWebhookIsNamedWithIt() {
        client.post("/api/v1/tenants")
                .json(new JsonObject().put("name", "acme"))
                .send();
        var made = client.post(WEBHOOKS)
                .header("Orrery-Tenant", "acme")
                .json(webhook("theirs", "standard"))
                .send();

        assertThat(made.json().getString("path")).isEqualTo("/api/v1/webhooks/theirs?tenant=acme");
        assertThat(sent("theirs", "m", PAID).status()).isEqualTo(401);
        assertThat(sent("theirs?tenant=acme", "m", PAID).status()).isEqualTo(202);
        assertThat(client.get(WEBHOOKS + "/theirs").send().code()).isEqualTo("WEBHOOK_NOT_FOUND");
        assertThat(client.delete(WEBHOOKS + "/theirs").send().code()).isEqualTo("WEBHOOK_NOT_FOUND");
        assertThat(client.delete(WEBHOOKS + "/theirs")
                        .header("Orrery-Tenant", "acme")
                        .send()
                        .status())
                .isEqualTo(204);
        assertThat(sent("theirs?tenant=acme", "m2", PAID).status()).isEqualTo(401);
    }

    @Test
    void whatIsWrongWithOneIsToldWhereItIsMade() {
        var both = webhook("wrong", "standard").put("eventNameFrom", "'x'");
        var header = webhook("wrong", "github").put("header", "X-Other");
        var missing = webhook("wrong", "plain");
        var expression = webhook("wrong", "standard").put("keyFrom", "request.bdy.id");

        assertThat(client.post(WEBHOOKS).json(both).send().problem().getString("code"))
                .isEqualTo("CONFLICTING_FIELDS");
        assertThat(client.post(WEBHOOKS).json(header).send().problem().getString("path"))
                .isEqualTo("header");
        assertThat(client.post(WEBHOOKS).json(missing).send().problem().getString("code"))
                .isEqualTo("MISSING_FIELD");
        assertThat(client.post(WEBHOOKS).json(expression).send().problem().getString("help"))
                .isEqualTo("did you mean 'body'?");
    }

    @Test
    void oneIsMadeOnceAndListedByName() {
        var body = webhook("listed", "standard");
        var first =
                client.post(WEBHOOKS).header("Idempotency-Key", "w").json(body).send();
        var again =
                client.post(WEBHOOKS).header("Idempotency-Key", "w").json(body).send();
        var other = client.post(WEBHOOKS).json(body).send();

        assertThat(again.json()).isEqualTo(first.json());
        assertThat(first.header("Location")).isEqualTo("/api/v1/webhooks/listed");
        assertThat(other.code()).isEqualTo("CONFLICT");
        var page = client.get(WEBHOOKS + "?limit=1&cursor=listec").send().json();
        assertThat(page.getJsonArray("items").getJsonObject(0)).isEqualTo(first.json());
        assertThat(IntStream.range(0, 2)
                        .mapToObj(
                                _ -> client.delete(WEBHOOKS + "/listed").send().status()))
                .containsExactly(204, 404);
    }
}
