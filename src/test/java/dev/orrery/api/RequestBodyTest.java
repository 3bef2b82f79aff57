package dev.orrery.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Bodies: which are taken, and what of them reaches the operation. */
class RequestBodyTest extends ApiTestBase {

    private static final String DAGS = "/api/v1/dags";
    private static final String RUNS = DAGS + "/" + DAG + "/runs";

    @Test
    void textIsTakenAsItWasSent() {
        var client = start();

        for (var name : new String[] {"1.5", "null", "true", "\"a\"", "a+b", "100%", "{}", "[1]", "Grüße", "a&b=c"}) {
            var encoded = URLEncoder.encode(name, UTF_8);
            client.get(DAGS + "?name=" + encoded).send();

            assertThat(requests.getLast().text("name")).isEqualTo(name);
        }
        client.get("/api/v1/runs/" + RUN + "/tasks/1.5").send();
        assertThat(requests.getLast().taskId().value()).isEqualTo("1.5");
    }

    @Test
    void numbersOfABodyAreKeptAsTheyWereWritten() {
        var client = start();

        client.post(RUNS)
                .json("{\"params\":{\"a\":12345678901234567890.123456789,\"b\":9007199254740993,\"c\":1.10}}")
                .send();

        assertThat(JsonBody.text(requests.getLast().body().getJsonObject("params"))
                        .text())
                .isEqualTo("{\"a\":12345678901234567890.123456789,\"b\":9007199254740993,\"c\":1.10}");
    }

    @Test
    void aBodyMayBeMissingWhereTheContractSaysSo() {
        var client = start();

        assertThat(client.post(RUNS).send().status()).isEqualTo(202);
        assertThat(client.post(RUNS).json("{}").send().status()).isEqualTo(202);
        assertThat(client.post(DAGS).send().code()).isEqualTo("VALIDATION_ERROR");
    }

    @Test
    void aCallThatTakesNoBodyTakesAtMostAnEmptyOne() {
        var client = start();
        var pause = DAGS + "/" + DAG + "/pause";

        assertThat(client.post(pause).send().status()).isEqualTo(200);
        assertThat(client.post(pause).json("{}").send().status()).isEqualTo(200);
        assertThat(client.post(pause).json("{\"for\":\"1h\"}").send().code()).isEqualTo("VALIDATION_ERROR");
    }

    @Test
    void onlyJsonIsTaken() {
        var client = start();
        var dag = Buffer.buffer("{\"yaml\":\"a\"}");

        for (var type : new String[] {
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/json; charset=utf-16"
        }) {
            assertThat(client.post(DAGS).body(type, dag).send().code()).as(type).isEqualTo("UNSUPPORTED_MEDIA_TYPE");
        }
        for (var type : new String[] {"application/json", "Application/JSON; charset=\"UTF-8\""}) {
            assertThat(client.post(DAGS).body(type, dag).send().status())
                    .as(type)
                    .isEqualTo(201);
        }
        assertThat(client.post(DAGS)
                        .header("Content-Encoding", "gzip")
                        .json("{}")
                        .send()
                        .status())
                .isEqualTo(415);
    }

    @Test
    void aBodyThatIsNoUtf8IsRefused() {
        var client = start();
        var bytes = new byte[] {'{', '"', 'y', 'a', 'm', 'l', '"', ':', '"', (byte) 0xC3, '"', '}'};

        var reply =
                client.post(DAGS).body("application/json", Buffer.buffer(bytes)).send();

        assertThat(reply.code()).isEqualTo("PARSE_ERROR");
    }

    @Test
    void aBodyInAnotherEncodingThanUtf8IsRefused() {
        var client = start();
        var text = "{\"yaml\":\"a\"}";
        var bodies = List.of(
                text.getBytes(UTF_16),
                text.getBytes(UTF_16LE),
                text.getBytes(Charset.forName("UTF-32BE")),
                "{\"yaml\":\"\u00fc\"}".getBytes(ISO_8859_1),
                new byte[] {'{', '"', (byte) 0xC0, (byte) 0xAF, '"', ':', '1', '}'},
                new byte[] {'{', '"', (byte) 0xE2, (byte) 0x82});

        for (var body : bodies) {
            var reply = client.post(DAGS)
                    .body("application/json", Buffer.buffer(body))
                    .send();
            assertThat(reply.status()).isEqualTo(400);
            assertThat(reply.code()).isEqualTo("PARSE_ERROR");
            assertThat(reply.problem().getString("message")).contains("UTF-8");
        }
        assertThat(requests).isEmpty();
    }

    @Test
    void largeBodiesAreReadToTheLimit() {
        var client = start();
        var frame = new JsonObject().put("yaml", "").encode().length();

        var fits = client.post(DAGS)
                .json(new JsonObject().put("yaml", "y".repeat(BodyReader.MAX_BYTES - frame)))
                .send();
        var tooLarge = client.post(DAGS)
                .json(new JsonObject().put("yaml", "y".repeat(BodyReader.MAX_BYTES - frame + 1)))
                .send();

        assertThat(fits.status()).isEqualTo(201);
        assertThat(tooLarge.code()).isEqualTo("PAYLOAD_TOO_LARGE");
    }
}
