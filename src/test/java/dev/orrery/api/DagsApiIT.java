package dev.orrery.api;

import static dev.orrery.api.NodeUnderTest.DAGS;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** DAGs over the API of a whole node; each answer is held against the contract. */
class DagsApiIT {

    private static final String ONE = "tasks: [{id: a, type: handler, handler: noop}]";

    private static NodeUnderTest node;
    private static ApiClient client;

    @BeforeAll
    static void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
        client = node.client;
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    private static JsonObject yaml(String text) {
        return new JsonObject().put("yaml", text);
    }

    @Test
    void aDagIsPublishedReadChangedAndDeleted() {
        var made = client.post(DAGS).json(yaml(ONE).put("name", "life")).send();
        var dag = DAGS + "/" + made.json().getString("id");

        assertThat(made.status()).isEqualTo(201);
        assertThat(made.header("Location")).isEqualTo(dag);
        assertThat(made.header("ETag")).isEqualTo("\"1\"");
        assertThat(UUID.fromString(made.json().getString("id")).version())
                .as("ids arrive in time order")
                .isEqualTo(7);
        assertThat(made.json().getInteger("taskCount")).isEqualTo(1);
        assertThat(made.json().getValue("schedule")).isNull();
        assertThat(client.get(dag).send().json()).isEqualTo(made.json());
        assertThat(client.get(DAGS + "?name=life").send().array()).containsExactly(made.json());

        var two = "tasks: [{id: a, type: handler, handler: noop}, {id: b, type: shell, command: 'true'}]";
        var changed = client.put(dag).json(yaml(two)).send();
        assertThat(changed.json().getInteger("version")).isEqualTo(2);
        assertThat(changed.json().getString("name")).isEqualTo("life");
        assertThat(changed.header("ETag")).isEqualTo("\"2\"");
        assertThat(client.put(dag).json(yaml(two)).send().json().getInteger("version"))
                .isEqualTo(2);

        var newest = client.get(dag + "/definition").send().json();
        assertThat(newest.getString("yaml")).isEqualTo(two);
        assertThat(newest.getJsonObject("definition").getJsonArray("tasks")).hasSize(2);
        assertThat(client.get(dag + "/definition?version=1").send().json().getString("yaml"))
                .isEqualTo(ONE);
        assertThat(client.get(dag + "/definition?version=3").send().code()).isEqualTo("DAG_NOT_FOUND");

        assertThat(client.delete(dag).send().status()).isEqualTo(204);
        assertThat(client.get(dag).send().code()).isEqualTo("DAG_NOT_FOUND");
        assertThat(client.delete(dag).send().code()).isEqualTo("DAG_NOT_FOUND");
        assertThat(client.get(DAGS + "?name=life").send().array()).isEmpty();
    }

    @Test
    void aChangeFromAnOlderVersionIsRefused() {
        var dag = DAGS + "/" + node.publish("if-match", ONE);
        var two = yaml("tasks: [{id: b, type: handler, handler: noop}]");

        assertThat(client.put(dag)
                        .header("If-Match", "\"1\"")
                        .json(two)
                        .send()
                        .json()
                        .getInteger("version"))
                .isEqualTo(2);
        assertThat(client.put(dag)
                        .header("If-Match", "1")
                        .json(yaml(ONE))
                        .send()
                        .code())
                .isEqualTo("CONFLICT");
        assertThat(client.put(dag)
                        .header("If-Match", "\"1\"")
                        .json(yaml(ONE))
                        .send()
                        .code())
                .isEqualTo("CONFLICT");
        assertThat(client.put(dag)
                        .header("If-Match", "*")
                        .json(yaml(ONE))
                        .send()
                        .json()
                        .getInteger("version"))
                .isEqualTo(3);
        assertThat(client.put(dag).header("If-Match", "latest").json(two).send().code())
                .isEqualTo("BAD_REQUEST");
    }

    @Test
    void versionsAreReadPartByPart() {
        var dag = DAGS + "/" + node.publish("versions", ONE);
        for (var i = 0; i < 4; i++) {
            client.put(dag)
                    .json(yaml("tasks: [{id: t" + i + ", type: handler, handler: noop}]"))
                    .send();
        }

        var seen = new ArrayList<Integer>();
        var uri = dag + "/versions?limit=2";
        for (String cursor = ""; cursor != null; ) {
            var part = client.get(uri + (cursor.isEmpty() ? "" : "&cursor=" + cursor))
                    .send()
                    .json();
            part.getJsonArray("items").forEach(item -> seen.add(((JsonObject) item).getInteger("version")));
            cursor = part.getString("nextCursor");
        }

        assertThat(seen).containsExactly(5, 4, 3, 2, 1);
        assertThat(client.get(uri + "&cursor=nonsense").send().code()).isEqualTo("BAD_REQUEST");
    }

    @Test
    void aNameIsTakenOnce() {
        var id = node.publish("taken", ONE);

        var again = client.post(DAGS).json(yaml(ONE).put("name", "taken")).send();

        assertThat(again.status()).isEqualTo(409);
        assertThat(again.problem().getString("path")).isEqualTo(id);
    }

    @Test
    void allProblemsOfADagFileAreToldWithTheirPlaces() {
        var broken = """
                name: broken
                tasks:
                  - id: a
                    type: shell
                    comand: echo
                  - id: b
                    type: shell
                    command: echo
                    dependencies: [c]
                """;

        var reply = client.post(DAGS).json(yaml(broken)).send();

        assertThat(reply.code()).isEqualTo("VALIDATION_ERROR");
        var problems = reply.json().getJsonArray("details");
        assertThat(problems).hasSizeGreaterThanOrEqualTo(2);
        assertThat(problems.getJsonObject(0).getInteger("line")).isBetween(3, 5);
        assertThat(problems.encode()).contains("did you mean 'command'?");
    }

    @TestFactory
    Stream<DynamicTest> whatIsNoDagFileIsRefused() {
        record Bad(String what, String yaml, int status, String code) {}
        return Stream.of(
                        new Bad("no YAML", "tasks: [", 400, "PARSE_ERROR"),
                        new Bad("an alias", "a: &x 1\nb: *x", 400, "PARSE_ERROR"),
                        new Bad("a tag", "a: !!java.net.URL [x]", 400, "PARSE_ERROR"),
                        new Bad("a duplicate key", "name: a\nname: b\n" + ONE, 400, "VALIDATION_ERROR"),
                        new Bad("deep nesting", "a: " + "[".repeat(500) + "]".repeat(500), 400, "PARSE_ERROR"),
                        new Bad("no tasks", "name: a\ntasks: []", 400, "VALIDATION_ERROR"),
                        new Bad("no name", ONE, 400, "VALIDATION_ERROR"),
                        new Bad(
                                "a cycle",
                                "name: a\ntasks: [{id: a, type: shell, command: x, dependencies: [b]}, {id: b, type: shell, command: x, dependencies: [a]}]",
                                400,
                                "VALIDATION_ERROR"),
                        new Bad("a text", "hello", 400, "VALIDATION_ERROR"),
                        new Bad(
                                "more than 1 MiB",
                                "name: a\n# " + "x".repeat(1 << 20) + "\n" + ONE,
                                413,
                                "PAYLOAD_TOO_LARGE"),
                        new Bad(
                                "more than 1 MiB of bytes",
                                "name: a\n# " + "é".repeat(600_000) + "\n" + ONE,
                                413,
                                "PAYLOAD_TOO_LARGE"))
                .map(bad -> DynamicTest.dynamicTest(bad.what, () -> {
                    var reply = client.post(DAGS).json(yaml(bad.yaml)).send();

                    assertThat(reply.status()).isEqualTo(bad.status);
                    assertThat(reply.code()).isEqualTo(bad.code);
                }));
    }

    @Test
    void aPausedDagIsShownSo() {
        var dag = DAGS + "/" + node.publish("pausing", ONE);

        assertThat(client.post(dag + "/pause").send().json().getBoolean("active"))
                .isFalse();
        assertThat(client.post(dag + "/pause").send().status()).isEqualTo(200);
        assertThat(client.get(dag).send().json().getBoolean("active")).isFalse();
        assertThat(client.post(dag + "/runs").send().status()).isEqualTo(202);
        assertThat(client.post(dag + "/resume").send().json().getBoolean("active"))
                .isTrue();
    }

    @Test
    void aScheduledDagTellsWhenItRunsNextFromTheMomentItIsPublished() {
        var yaml = "schedule: 0 0 1 1 *\n" + ONE;
        var reply = client.post(DAGS)
                .json(new JsonObject().put("name", "yearly").put("yaml", yaml))
                .send();
        var dag = DAGS + "/" + reply.json().getString("id");
        var next = reply.json().getString("createdAt").substring(0, 4).transform(year -> Integer.parseInt(year) + 1)
                + "-01-01T00:00:00";

        assertThat(reply.json().getString("nextRun")).startsWith(next);
        until("it is planned, and says the same", () -> node.isPlanned("yearly"));
        assertThat(client.get(dag).send().json().getString("nextRun")).startsWith(next);
        assertThat(client.post(dag + "/pause").send().json().getValue("nextRun"))
                .isNull();
        assertThat(client.get(dag).send().json().getValue("nextRun")).isNull();
        assertThat(client.post(dag + "/resume").send().json().getString("nextRun"))
                .startsWith(next);
    }
}
