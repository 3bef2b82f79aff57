package dev.orrery.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class RequestCheckTest extends ApiTestBase {

    private static final String DAGS = "/api/v1/dags";
    private static final String RUNS = DAGS + "/" + DAG + "/runs";

    /** What is sent, and what is answered: code, then code, place and help of the first problem. */
    private record Wrong(
            String what,
            String method,
            String uri,
            String body,
            String code,
            String problem,
            String path,
            String help) {}

    private static Wrong query(String what, String uri, String problem, String path, String help) {
        return new Wrong(what, "GET", uri, "", "BAD_REQUEST", problem, path, help);
    }

    private static Wrong body(
            String what, String uri, String body, String code, String problem, String path, String help) {
        return new Wrong(what, "POST", uri, body, code, problem, path, help);
    }

    @TestFactory
    Stream<DynamicTest> whatIsWrongIsRefusedWithItsPlaceAndCure() {
        var client = start();
        return Stream.of(
                        query("limit of 0", DAGS + "?limit=0", "OUT_OF_RANGE", "query.limit", "a number from 1 to 500"),
                        query(
                                "limit of 501",
                                DAGS + "?limit=501",
                                "OUT_OF_RANGE",
                                "query.limit",
                                "a number from 1 to 500"),
                        query("limit no number", DAGS + "?limit=ten", "WRONG_TYPE", "query.limit", null),
                        query("limit with a fraction", DAGS + "?limit=1.5", "WRONG_TYPE", "query.limit", null),
                        query(
                                "limit without end",
                                DAGS + "?limit=99999999999999999999",
                                "WRONG_TYPE",
                                "query.limit",
                                null),
                        query("empty limit", DAGS + "?limit=", "WRONG_TYPE", "query.limit", null),
                        query(
                                "negative offset",
                                DAGS + "?offset=-1",
                                "OUT_OF_RANGE",
                                "query.offset",
                                "a number from 0 to 2147483647"),
                        query(
                                "limit twice",
                                DAGS + "?limit=1&limit=2",
                                "DUPLICATE_PARAMETER",
                                "query.limit",
                                "give it once"),
                        query(
                                "misspelt parameter",
                                DAGS + "?limt=5",
                                "UNKNOWN_FIELD",
                                "query.limt",
                                "did you mean 'limit'?"),
                        query(
                                "unknown parameter",
                                DAGS + "?colour=red",
                                "UNKNOWN_FIELD",
                                "query.colour",
                                "possible: limit, offset, name"),
                        query(
                                "unknown parameter of a call without any",
                                DAGS + "/" + DAG + "?x=1",
                                "UNKNOWN_FIELD",
                                "query.x",
                                "there are none"),
                        query("NUL in a name", DAGS + "?name=a%00b", "INVALID_VALUE", "query.name", "leave it out"),
                        query(
                                "blank name",
                                DAGS + "?name=%20",
                                "INVALID_VALUE",
                                "query.name",
                                "it must be of the form \\S"),
                        query(
                                "misspelt state",
                                "/api/v1/runs?state=runing",
                                "INVALID_VALUE",
                                "query.state",
                                "did you mean 'running'?"),
                        query(
                                "id that is none",
                                DAGS + "/123",
                                "INVALID_VALUE",
                                "path.dagId",
                                "it must be a UUID such as 01980f6e-3c00-7000-8b2d-5f3100000000"),
                        query(
                                "short groups in an id",
                                DAGS + "/1-1-1-1-1",
                                "INVALID_VALUE",
                                "path.dagId",
                                "it must be a UUID such as 01980f6e-3c00-7000-8b2d-5f3100000000"),
                        query(
                                "task id with a slash",
                                "/api/v1/runs/" + RUN + "/tasks/a%2Fb",
                                "INVALID_VALUE",
                                "path.taskId",
                                "it must be of the form ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$"),
                        query(
                                "follow that is neither",
                                "/api/v1/runs/" + RUN + "/tasks/a/logs?follow=yes",
                                "WRONG_TYPE",
                                "query.follow",
                                null),
                        query(
                                "version of 0",
                                DAGS + "/" + DAG + "/definition?version=0",
                                "OUT_OF_RANGE",
                                "query.version",
                                "a number from 1 to 2147483647"),
                        body("half an object", DAGS, "{\"yaml\": ", "PARSE_ERROR", "MALFORMED_JSON", "", null),
                        body("two values", DAGS, "{\"yaml\":\"a\"} {}", "PARSE_ERROR", "MALFORMED_JSON", "", null),
                        body("blanks only", DAGS, "   ", "PARSE_ERROR", "MALFORMED_JSON", "", null),
                        body(
                                "duplicate field",
                                DAGS,
                                "{\"yaml\":\"a\",\n\"yaml\":\"b\"}",
                                "PARSE_ERROR",
                                "MALFORMED_JSON",
                                "",
                                null),
                        body(
                                "too deep",
                                RUNS,
                                "{\"params\":" + "[".repeat(200) + "]".repeat(200) + "}",
                                "PARSE_ERROR",
                                "MALFORMED_JSON",
                                "",
                                null),
                        body(
                                "too many digits",
                                RUNS,
                                "{\"params\":{\"a\":" + "1".repeat(2_000) + "}}",
                                "PARSE_ERROR",
                                "MALFORMED_JSON",
                                "",
                                null),
                        body(
                                "misspelt field",
                                DAGS,
                                "{\"yaml\":\"a\",\"nmae\":\"b\"}",
                                "VALIDATION_ERROR",
                                "UNKNOWN_FIELD",
                                "nmae",
                                "did you mean 'name'?"),
                        body("missing field", DAGS, "{\"name\":\"b\"}", "VALIDATION_ERROR", "MISSING_FIELD", "", null),
                        body("number for text", DAGS, "{\"yaml\":17}", "VALIDATION_ERROR", "WRONG_TYPE", "yaml", null),
                        body("null for text", DAGS, "{\"yaml\":null}", "VALIDATION_ERROR", "WRONG_TYPE", "yaml", null),
                        body(
                                "empty text",
                                DAGS,
                                "{\"yaml\":\"\"}",
                                "VALIDATION_ERROR",
                                "OUT_OF_RANGE",
                                "yaml",
                                "1 to any characters"),
                        body(
                                "long name",
                                DAGS,
                                "{\"yaml\":\"a\",\"name\":\"" + "n".repeat(256) + "\"}",
                                "VALIDATION_ERROR",
                                "OUT_OF_RANGE",
                                "name",
                                "1 to 255 characters"),
                        body("list for object", DAGS, "[]", "VALIDATION_ERROR", "WRONG_TYPE", "", null),
                        body("null for object", DAGS, "null", "VALIDATION_ERROR", "WRONG_TYPE", "", null),
                        body(
                                "params no object",
                                RUNS,
                                "{\"params\":[1]}",
                                "VALIDATION_ERROR",
                                "WRONG_TYPE",
                                "params",
                                null),
                        body(
                                "NUL in a text",
                                RUNS,
                                "{\"params\":{\"a\":[1,{\"b\":\"x\\u0000\"}]}}",
                                "VALIDATION_ERROR",
                                "INVALID_VALUE",
                                "params.a[1].b",
                                "leave the character out"),
                        body(
                                "NUL in a field name",
                                RUNS,
                                "{\"params\":{\"a\\u0000\":1}}",
                                "VALIDATION_ERROR",
                                "INVALID_VALUE",
                                "params.a\u0000",
                                "leave the character out"),
                        body(
                                "half a character",
                                RUNS,
                                "{\"params\":{\"a\":\"\\ud83d\"}}",
                                "VALIDATION_ERROR",
                                "INVALID_VALUE",
                                "params.a",
                                "leave the character out"),
                        body(
                                "number beyond all bounds",
                                RUNS,
                                "{\"params\":{\"a\":1e999999}}",
                                "VALIDATION_ERROR",
                                "OUT_OF_RANGE",
                                "params.a",
                                "send it as a string"))
                .map(wrong -> DynamicTest.dynamicTest(wrong.what, () -> {
                    var call = client.call(wrong.method, wrong.uri);
                    var reply = wrong.body.isEmpty()
                            ? call.send()
                            : call.json(wrong.body).send();

                    assertThat(reply.status()).isEqualTo(400);
                    assertThat(reply.code()).isEqualTo(wrong.code);
                    assertThat(reply.problem().getString("code")).isEqualTo(wrong.problem);
                    assertThat(reply.problem().getString("path")).isEqualTo(wrong.path);
                    assertThat(reply.problem().getString("help")).isEqualTo(wrong.help);
                    assertThat(requests).isEmpty();
                }));
    }

    @Test
    void allProblemsAreToldAtOnce() {
        var client = start();

        var reply = client.get(DAGS + "?limit=0&offset=-1&colour=red").send();
        var body = client.post(DAGS).json("{\"nmae\":1,\"colour\":2}").send();

        assertThat(reply.json().getJsonArray("details")).hasSize(3);
        assertThat(body.json().getJsonArray("details")).hasSize(3);
    }

    @Test
    void theProblemOfABodyHasItsLineAndColumn() {
        var client = start();

        var unknown = client.post(DAGS)
                .json("{\n  \"yaml\": \"a\",\n  \"nmae\": \"b\"\n}")
                .send();
        var malformed = client.post(DAGS).json("{\n  \"yaml\": oops\n}").send();

        assertThat(unknown.problem().getInteger("line")).isEqualTo(3);
        assertThat(unknown.problem().getInteger("column")).isEqualTo(3);
        assertThat(malformed.problem().getInteger("line")).isEqualTo(2);
        assertThat(malformed.problem().getInteger("column")).isBetween(11, 16);
    }

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
    void whatIsNotGivenHasItsDefault() {
        var client = start();

        client.get(DAGS).send();

        assertThat(requests.getLast().parameters()).isEqualTo(Map.of("limit", 20L, "offset", 0L));
        assertThat(requests.getLast().page().limit()).isEqualTo(20);
        assertThat(requests.getLast().optionalText("name")).isEmpty();
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
    void theKeyOfARequestStandsForItsPathAndBody() {
        var client = start();
        var other = "/api/v1/dags/01980f6e-3c00-7000-8b2d-5f3200000000/runs";

        client.post(RUNS).header("Idempotency-Key", "k1").json("{}").send();
        client.post(RUNS).header("Idempotency-Key", "k1").json("{}").send();
        client.post(RUNS)
                .header("Idempotency-Key", "k1")
                .json("{\"params\":{}}")
                .send();
        client.post(other).header("Idempotency-Key", "k1").json("{}").send();
        client.post(RUNS).json("{}").send();

        var keys = requests.stream().map(ApiRequest::key).toList();
        assertThat(keys.get(0)).isEqualTo(keys.get(1)).isPresent();
        assertThat(keys.get(2)).isNotEqualTo(keys.get(0));
        assertThat(keys.get(3)).isNotEqualTo(keys.get(0));
        assertThat(keys.get(4)).isEmpty();
        assertThat(keys.get(0).orElseThrow().operation()).isEqualTo("triggerRun");
    }

    @Test
    void aKeyIsShortAndVisible() {
        var client = start();

        assertThat(client.post(RUNS).header("Idempotency-Key", "a b").send().code())
                .isEqualTo("BAD_REQUEST");
        assertThat(client.post(RUNS)
                        .header("Idempotency-Key", "k".repeat(256))
                        .send()
                        .code())
                .isEqualTo("BAD_REQUEST");
        assertThat(client.post(RUNS)
                        .header("Idempotency-Key", "k".repeat(255))
                        .send()
                        .status())
                .isEqualTo(202);
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
    void headAnswersAsGetWouldWithoutTheBody() {
        var client = start();

        var get = client.get(DAGS).send();
        var head = client.call("HEAD", DAGS).send();

        assertThat(head.status()).isEqualTo(200);
        assertThat(head.header("Content-Length")).isEqualTo(get.header("Content-Length"));
        assertThat(head.body().length()).isZero();
    }

    @Test
    void otherMethodsAreToldWhichThereAre() {
        var client = start();

        var patch = client.call("PATCH", DAGS + "/" + DAG).send();
        var page = client.post("/docs").send();
        var options = client.call("OPTIONS", DAGS).send();

        assertThat(patch.status()).isEqualTo(405);
        assertThat(patch.code()).isEqualTo("METHOD_NOT_ALLOWED");
        assertThat(patch.header("Allow")).isEqualTo("DELETE, GET, HEAD, PUT");
        assertThat(page.header("Allow")).isEqualTo("GET, HEAD");
        assertThat(options.header("Allow")).isEqualTo("GET, HEAD, POST");
    }

    @Test
    void unknownPathsAreAnsweredInJson() {
        var client = start();

        for (var path : new String[] {
            "/nothing", "/api/v1", "/api/v1/nothing", "/api/v2/dags", "/docs/nothing", "/api/v1/dags/" + DAG + "/x"
        }) {
            assertThat(client.get(path).send().code()).as(path).isEqualTo("NOT_FOUND");
        }
    }

    @Test
    void aPathThatCannotBeDecodedIsRefused() {
        var client = start();

        assertThat(client.get("/api/v1/dags/%zz").send().status()).isEqualTo(400);
        assertThat(client.get("/api/v1/dags?name=%zz").send().status()).isEqualTo(400);
    }

    @Test
    void aFaultOfOursIsToldByItsIdOnly() {
        operations.put("listDags", _ -> {
            throw new IllegalStateException("SELECT secret FROM dags");
        });
        operations.put("getDag", _ -> Future.failedFuture(new RuntimeException("SELECT secret")));
        var client = start();

        for (var path : new String[] {DAGS, DAGS + "/" + DAG}) {
            var reply = client.get(path).send();

            assertThat(reply.code()).isEqualTo("INTERNAL_ERROR");
            assertThat(reply.body().toString()).doesNotContain("SELECT").doesNotContain("Exception");
            assertThat(reply.json().getString("message")).matches(".*as [0-9a-f-]{36}");
        }
    }

    @Test
    void anAnswerThatDoesNotComeIsGivenUp() {
        operations.put("listDags", _ -> Promise.<Answer>promise().future());
        var client = start(HTTP, QUICK, List.of());

        var reply = client.get(DAGS).send();

        assertThat(reply.code()).isEqualTo("UNAVAILABLE");
        assertThat(reply.header("Retry-After")).isEqualTo("2");
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
    void theParsersOwnNamesStayAtHome() {
        var client = start();

        for (var body : List.of("[".repeat(200), "{\"a\": NaN}", "/* a */ {}", "{\"a\": {", "1".repeat(2_000))) {
            var reply = client.post(DAGS).json(body).send();
            assertThat(reply.code()).isEqualTo("PARSE_ERROR");
            assertThat(reply.body().toString()).doesNotContain("`", "Source", "Read");
        }
    }
}
