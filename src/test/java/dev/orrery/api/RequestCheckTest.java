package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What is wrong with a request is told with its place and its cure, before an operation hears of it. */
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
                                "1 or more characters"),
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
    void whatIsNotGivenHasItsDefault() {
        var client = start();

        client.get(DAGS).send();

        assertThat(requests.getLast().parameters())
                .isEqualTo(Map.of("Orrery-Tenant", "default", "limit", 20L, "offset", 0L));
        assertThat(requests.getLast().page().limit()).isEqualTo(20);
        assertThat(requests.getLast().optionalText("name")).isEmpty();
    }

    @Test
    void theHeaderSaysWhoseDataItIsAbout() {
        var client = start();

        client.get(DAGS).send();
        assertThat(requests.getLast().caller()).isEqualTo(Tenant.DEFAULT);
        client.get(DAGS).header("orrery-tenant", "acme").send();
        assertThat(requests.getLast().tenant()).isEqualTo(new TenantId(2));
        var heard = requests.size();

        assertThat(client.get(DAGS).header("Orrery-Tenant", "acme2").send().code())
                .isEqualTo("TENANT_NOT_FOUND");
        assertThat(client.get(DAGS).header("Orrery-Tenant", "").send().code()).isEqualTo("BAD_REQUEST");
        assertThat(client.get(DAGS)
                        .header("Orrery-Tenant", "../acme")
                        .send()
                        .problem()
                        .getString("path"))
                .isEqualTo("header.Orrery-Tenant");
        assertThat(requests).hasSize(heard);
    }

    @Test
    void aPathThatCannotBeDecodedIsRefused() {
        var client = start();

        assertThat(client.get("/api/v1/dags/%zz").send().status()).isEqualTo(400);
        assertThat(client.get("/api/v1/dags?name=%zz").send().status()).isEqualTo(400);
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
