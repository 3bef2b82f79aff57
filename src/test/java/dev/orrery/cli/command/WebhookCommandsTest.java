package dev.orrery.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Webhooks from the shell, whose secrets nobody sees. */
class WebhookCommandsTest extends ServerCommandsTestBase {

    private static final String SECRET = "a-long-random-text";
    private static final String FOUND = "{\"name\":\"shop\",\"path\":\"/api/v1/webhooks/shop?tenant=acme\","
            + "\"scheme\":\"standard\",\"header\":null,\"toleranceSeconds\":300,\"eventName\":\"order.paid\","
            + "\"eventNameFrom\":null,\"keyFrom\":\"request.body.id\",\"secrets\":1,\"platformId\":\"acme\","
            + "\"createdAt\":\"2026-01-30T02:00:10.000000Z\",\"updatedAt\":\"2026-01-31T01:58:10.000000Z\"}";

    private String sent() {
        return node.requests().getLast().body();
    }

    @Test
    void theSecretComesFromAFileTheStandardInputOrTheEnvironmentAndIsNeverShown() throws IOException {
        node.on("POST /api/v1/webhooks", 201, FOUND);
        Files.writeString(folder.resolve("secret.txt"), SECRET + "\r\n");
        var wanted = "{\"name\":\"shop\",\"eventName\":\"order.paid\",\"secrets\":[\"" + SECRET + "\"]}";

        assertThat(command.run("webhook", "create", "shop", "--event", "order.paid", "--secret-file", "secret.txt"))
                .as(command.err())
                .isZero();
        assertThat(sent()).isEqualTo(wanted);
        command.reading(SECRET).run("webhook", "create", "shop", "--event", "order.paid", "--secret-file", "-");
        assertThat(sent()).isEqualTo(wanted);
        command.with("ORRERY_WEBHOOK_SECRET", SECRET).run("webhook", "create", "shop", "--event", "order.paid");
        assertThat(sent()).isEqualTo(wanted);

        assertThat(node.requests()).hasSize(3);
        assertThat(command.out())
                .startsWith("ok: made the webhook shop\n  to send to  " + node.address()
                        + "/api/v1/webhooks/shop?tenant=acme\n")
                .doesNotContain(SECRET);
        assertThat(command.err()).doesNotContain(SECRET);
    }

    @Test
    void everyOptionIsAFieldOfTheWebhook() throws IOException {
        node.on("POST /api/v1/webhooks", 201, FOUND);
        Files.writeString(folder.resolve("two.txt"), "\n first-of-two-secrets\nsecond-of-two-secrets\n");

        var exit = command.run(
                "webhook",
                "create",
                "ci",
                "--scheme",
                "plain",
                "--header",
                "X-Signature",
                "--event-from",
                "request.body.kind",
                "--key-from",
                "request.body.id",
                "--tolerance",
                "2m",
                "--secret-file",
                "two.txt");

        assertThat(exit).as(command.err()).isZero();
        assertThat(sent())
                .isEqualTo("{\"name\":\"ci\",\"scheme\":\"plain\",\"header\":\"X-Signature\","
                        + "\"eventNameFrom\":\"request.body.kind\",\"keyFrom\":\"request.body.id\","
                        + "\"toleranceSeconds\":120,\"secrets\":[\"first-of-two-secrets\",\"second-of-two-secrets\"]}");
    }

    @ParameterizedTest
    @CsvSource({
        "webhook create shop --event e, a webhook must have a secret",
        "webhook create shop --event e --secret-file -, there is no secret in <stdin>",
        "webhook create shop --event e --secret-file gone.txt, cannot read gone.txt: there is no such file",
        "webhook create shop --secret-file -, a webhook must know how its events are called",
        "webhook create shop --event e --event-from f --secret-file -, it is said more than once how its events are called",
        "webhook create shop --event e --tolerance 1500ms --secret-file -, --tolerance '1500ms' is no number of whole seconds",
        "webhook create shop --event e --tolerance long --secret-file -, --tolerance 'long' is no duration",
        "webhook create shop --event e --scheme odd --secret-file -, odd",
    })
    void whatIsNotSaidRightIsToldBeforeTheNodeIsAsked(String line, String problem) {
        assertThat(command.run(line.split(" "))).isEqualTo(2);

        assertThat(command.err()).contains(problem);
        assertThat(node.requests()).isEmpty();
    }

    @Test
    void whatIsWrongIsToldByTheOptionItCameFrom() {
        node.on("POST /api/v1/webhooks", 400, """
                {"code":"VALIDATION_ERROR","message":"the webhook cannot be made as it is","details":[
                 {"code":"INVALID_VALUE","path":"secrets[0]","message":"a secret has 16 to 512 characters"},
                 {"code":"BAD_EXPRESSION","line":1,"column":3,"path":"keyFrom","message":"no such field"}]}""");
        command.with("ORRERY_WEBHOOK_SECRET", "short!");

        assertThat(command.run("webhook", "create", "shop", "--event", "e", "--key-from", "oops"))
                .isEqualTo(4);

        assertThat(command.err())
                .contains("$ORRERY_WEBHOOK_SECRET a secret has 16 to 512 characters", "--key-from: no such field")
                .doesNotContain("short!");
    }

    @Test
    void webhooksAreListedShownAndDeletedByName() {
        node.on("GET /api/v1/webhooks?limit=50", 200, "{\"items\":[" + FOUND + "],\"nextCursor\":\"c\"}");
        node.on("GET /api/v1/webhooks?limit=50&cursor=c", 200, "{\"items\":[],\"nextCursor\":null}");
        node.on("GET /api/v1/webhooks/shop", 200, FOUND);
        node.on("DELETE /api/v1/webhooks/shop", 204, "");

        assertThat(command.run("webhook", "list")).as(command.err()).isZero();
        assertThat(command.out()).isEqualTo("""
                NAME  SCHEME    SECRETS  CHANGED  PATH                               EVENTS
                shop  standard        1  2m ago   /api/v1/webhooks/shop?tenant=acme  order.paid
                """);
        assertThat(command.err()).contains("--cursor c");
        assertThat(command.run("webhook", "list", "--cursor", "c")).isZero();
        assertThat(command.out()).contains("no webhooks; make one with: orrery webhook create --help");
        assertThat(command.run("webhook", "show", "shop")).as(command.err()).isZero();
        assertThat(command.out())
                .contains(
                        "url        " + node.address() + "/api/v1/webhooks/shop?tenant=acme\n",
                        "tolerance  300s\n",
                        "events     order.paid\n",
                        "key by     request.body.id\n",
                        "secrets    one\n");
        assertThat(command.run("webhook", "delete", "shop")).as(command.err()).isZero();
        assertThat(command.out()).endsWith("deleted shop\n");
    }
}
