package dev.orrery.api;

import static dev.orrery.api.NodeUnderTest.DAGS;
import static dev.orrery.api.NodeUnderTest.RUNS;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Values that PostgreSQL cannot hold, or would blow up, on every way into it: nothing of it is a fault of the node's. */
class BadValuesIT {

    private static final int BIG_NUMBERS = 100_000;

    private static NodeUnderTest node;

    @BeforeAll
    static void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void paramsThatCannotBeKeptAreRefusedWithTheirPlace() {
        var runs =
                DAGS + "/" + node.publish("refused", "tasks:\n  - {id: a, type: handler, handler: noop}\n") + "/runs";

        var text = node.client
                .post(runs)
                .json("{\"params\":{\"a\":[1,\"\\u0000\"]}}")
                .send();
        var number = node.client
                .post(runs)
                .json("{\"params\":{\"b\":{\"c\":1e999999}}}")
                .send();

        assertThat(text.code()).isEqualTo("VALIDATION_ERROR");
        assertThat(text.problem().getString("path")).isEqualTo("params.a[1]");
        assertThat(number.code()).isEqualTo("VALIDATION_ERROR");
        assertThat(number.problem().getString("path")).isEqualTo("params.b.c");
        assertThat(number.problem().getString("help")).isEqualTo("send it as a string");
    }

    @Test
    void numbersAreToldAsTheyCame() {
        var dag = node.publish("numbers", "tasks:\n  - {id: a, type: handler, handler: noop}\n");
        var params = "{\"big\":[" + "1E+1000,".repeat(BIG_NUMBERS) + "0.10]}";

        var run = node.client
                .post(DAGS + "/" + dag + "/runs")
                .json("{\"params\":" + params + "}")
                .send()
                .json()
                .getString("runId");
        node.ended(run);

        // Written out, they would be a hundred megabytes.
        var told = node.client.get(RUNS + "/" + run).send().body().toString();
        assertThat(told).contains(params);
    }

    @Test
    void definitionsThatCannotBeKeptAreRefusedWithTheirPlace() {
        var lines = List.of(
                "description: \"a\\0b\"",
                "timezone: \"\\uD800\"",
                "tasks: [{id: a, name: \"a\\0\", type: handler, handler: noop}]",
                "tasks: [{id: a, type: shell, command: x, env: {A: \"\\0\"}}]",
                "tasks: [{id: a, type: shell, command: x, env: {\"A\\0\": x}}]",
                "tasks: [{id: a, type: handler, handler: echo, input: {a: [\"\\uDC00\"]}}]",
                "tasks: [{id: a, type: handler, handler: echo, input: {a: 1e999999}}]",
                "tasks: [{id: a, type: http, method: POST, url: \"http://x/\", body: {\"\\0\": 1}}]",
                "tasks: [{id: a, type: http, method: POST, url: \"http://x/\", body: 1e999999}]");

        for (var line : lines) {
            var answer = node.client
                    .post(DAGS)
                    .json(new JsonObject().put("name", "odd").put("yaml", line + "\n"))
                    .send();

            assertThat(answer.code()).as(line).isEqualTo("VALIDATION_ERROR");
            assertThat(answer.json().getJsonArray("details"))
                    .as(line)
                    .map(problem -> ((JsonObject) problem).getInteger("column"))
                    .anyMatch(column -> column > 1);
        }
    }

    @Test
    void anOutputThatCannotBeKeptFailsItsAttemptAlone() {
        var dag = node.publish("outputs", """
                tasks:
                  - id: huge
                    type: shell
                    command: |
                      echo '::output {"n":1e999999}'
                  - id: odd
                    type: shell
                    command: |
                      printf '::output "a%s0000b"' '\\u'
                  - id: raw
                    type: shell
                    command: |
                      printf '::output "a\\000\\377b"'
                  - id: big
                    type: shell
                    command: |
                      echo '::output [1e1000,-0.0]'
                  - id: error
                    type: shell
                    command: |
                      printf 'no\\000\\377 way' >&2
                      exit 3
                  - {id: fine, type: handler, handler: echo, input: 1}
                """);

        var run = node.ended(node.trigger(dag));

        assertThat(task(run, "huge").getString("state")).isEqualTo("failed");
        assertThat(task(run, "huge").getString("error")).contains("1e999999 is out of range");
        assertThat(task(run, "odd").getString("output")).isEqualTo("a\uFFFDb");
        assertThat(task(run, "raw").getString("error")).contains("::output line is not JSON");
        assertThat(answer(run, "big").body().toString()).contains("[1e1000,-0.0]");
        assertThat(task(run, "error").getString("error")).contains("no\uFFFD\uFFFD way");
        assertThat(task(run, "fine").getInteger("output")).isEqualTo(1);
    }

    private static JsonObject task(JsonObject run, String id) {
        return answer(run, id).json();
    }

    private static ApiClient.Reply answer(JsonObject run, String id) {
        return node.client
                .get(RUNS + "/" + run.getString("runId") + "/tasks/" + id)
                .send();
    }

    @Test
    void whatTheDatabaseCannotKeepNeverReachesIt() {
        var uri = DAGS + "/" + node.publish("odd", "tasks: [{id: a, type: handler, handler: noop}]") + "/runs";

        for (var params : List.of("{\"a\":\"\\u0000\"}", "{\"a\":1e99999}", "{\"a\":\"\\udc00\"}", "{\"\\u0000\":1}")) {
            assertThat(node.client
                            .post(uri)
                            .json("{\"params\":" + params + "}")
                            .send()
                            .code())
                    .isEqualTo("VALIDATION_ERROR");
        }
        for (var params : List.of(
                "{\"a\":1e1000}", "{\"a\":-0.0}", "{\"\":\"\\ud83d\\ude00\"}", "{\"a\":" + "9".repeat(900) + "}")) {
            assertThat(node.client
                            .post(uri)
                            .json("{\"params\":" + params + "}")
                            .send()
                            .status())
                    .as(params)
                    .isEqualTo(202);
        }
        for (var name : List.of("a%00", "%ED%A0%80", "%FF")) {
            assertThat(node.client.get(DAGS + "?name=" + name).send().status()).isIn(200, 400);
        }
    }
}
