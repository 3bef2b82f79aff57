package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dead letters of tasks of runs that are sent back with another input. */
class LetterInputsIT {

    private static final String LETTERS = "/api/v1/dead-letters";

    @TempDir
    static Path folder;

    private static NodeUnderTest node;
    private static ApiClient client;

    @BeforeAll
    static void start() {
        node = new NodeUnderTest(folder);
        client = node.client;
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void aProgramIsGivenItInsteadOfTheParamsAndTheRunGoesOn() {
        var dag = node.publish("edited", """
                tasks:
                  - {id: load, type: shell, command: "grep -q mended $ORRERY_PARAMS", retry: {maxAttempts: 1}}
                  - {id: after, type: shell, command: "grep -q broken $ORRERY_PARAMS", dependencies: [load]}
                """);
        var run = started(dag, new JsonObject().put("state", "broken"));
        var letter = letter("edited");

        var reply = redrive(letter, new JsonObject().put("state", "still wrong"));

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        assertThat(node.ended(run).getString("state")).isEqualTo("failed");
        var second = letter("edited");
        assertThat(redrive(second, new JsonObject().put("state", "mended")).status())
                .isEqualTo(200);
        assertThat(node.ended(run).getString("state"))
                .as("the other task is given the run's params")
                .isEqualTo("succeeded");
        assertThat(shown(letter).getJsonObject("input").getString("state")).isEqualTo("broken");
        assertThat(shown(letter).getJsonObject("redriveInput").getString("state"))
                .isEqualTo("still wrong");
        assertThat(shown(second).getJsonObject("input").getString("state")).isEqualTo("still wrong");
        assertThat(shown(second).getJsonObject("redriveInput").getString("state"))
                .isEqualTo("mended");
        var entry = client.get("/api/v1/audit?kind=dead_letter&resource=" + letter.getString("id"))
                .send()
                .json()
                .getJsonArray("items")
                .getJsonObject(0);
        assertThat(entry.getJsonObject("before").getInteger("inputBytes")).isEqualTo("{\"state\":\"broken\"}".length());
        assertThat(entry.getJsonObject("after").getInteger("inputBytes"))
                .isEqualTo("{\"state\":\"still wrong\"}".length());
        assertThat(entry.getJsonObject("before").getString("inputMd5"))
                .isNotEqualTo(entry.getJsonObject("after").getString("inputMd5"));
    }

    @Test
    void aHandlerIsGivenItInsteadOfWhatTheDagFileSays() {
        var dag = node.publish("napping", """
                tasks:
                  - {id: nap, type: handler, handler: sleep, input: {ms: never}, retry: {maxAttempts: 1}}
                  - {id: side, type: handler, handler: noop}
                """);
        var run = started(dag, new JsonObject());
        var letter = letter("napping");
        assertThat(shown(letter).getJsonObject("input").getString("ms")).isEqualTo("never");
        assertThat(redrive(letter, null).status()).isEqualTo(200);
        assertThat(node.ended(run).getString("state")).as("the same again").isEqualTo("failed");

        assertThat(redrive(letter("napping"), new JsonObject().put("ms", 1)).status())
                .isEqualTo(200);

        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(shown(letter).getValue("redriveInput")).isNull();
    }

    @Test
    void theExecutionOfAJobIsGivenItInsteadOfItsPayload() {
        var job = client.post("/api/v1/jobs")
                .json(new JsonObject()
                        .put("name", "paid")
                        .put("type", "cron")
                        .put("schedule", "0 0 1 1 *")
                        .put("maxRetries", 0)
                        .put("handlerName", "sleep")
                        .put("payload", new JsonObject().put("ms", "never")))
                .send()
                .json()
                .getString("id");
        client.post("/api/v1/jobs/" + job + "/trigger").json(new JsonObject()).send();
        until("it has failed", () -> !list("job=paid").isEmpty());
        var letter = list("job=paid").getJsonObject(0);
        assertThat(shown(letter).getJsonObject("input").getString("ms")).isEqualTo("never");

        var reply = redrive(letter, new JsonObject().put("ms", 1));

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        until("it succeeds", () -> node.rows("job_executions", "outcome = 'success'") == 1);
    }

    @Test
    void aRemoteWorkerIsGivenItInsteadOfWhatTheDagFileSays() {
        var worker = client.post("/api/v1/remote-workers")
                .json(new JsonObject().put("name", "w").put("handlers", List.of("paint")))
                .send()
                .json();
        var dag = node.publish("painted", """
                tasks:
                  - {id: paint, type: agent, handler: paint, input: {color: gren}, retry: {maxAttempts: 1}}
                """);
        var run = started(dag, new JsonObject().put("wall", 3));
        var first = polled(worker);
        assertThat(first.getJsonObject("input").getString("color")).isEqualTo("gren");
        told(
                worker,
                first,
                "fail",
                new JsonObject().put("error", "no such color").put("retryable", false));
        until("it has failed", () -> !list("dag=painted").isEmpty());

        assertThat(redrive(list("dag=painted").getJsonObject(0), new JsonObject().put("color", "green"))
                        .status())
                .isEqualTo(200);

        var second = polled(worker);
        assertThat(second.getJsonObject("input").getString("color")).isEqualTo("green");
        assertThat(second.getJsonObject("params").getInteger("wall")).isEqualTo(3);
        told(worker, second, "complete", new JsonObject().put("output", new JsonObject()));
        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
    }

    @Test
    void whatATaskCannotBeGivenIsRefusedAndChangesNothing() {
        var dag = node.publish("refused", """
                tasks:
                  - {id: load, type: shell, command: "exit 1", retry: {maxAttempts: 1}}
                  - {id: call, type: http, url: "http://10.0.0.1/", retry: {maxAttempts: 1}}
                """);
        var run = started(dag, new JsonObject());
        assertThat(node.ended(run).getString("state")).isEqualTo("failed");
        var load = list("dag=refused&name=load").getJsonObject(0);
        var call = list("dag=refused&name=call").getJsonObject(0);

        var text = client.post(LETTERS + "/" + load.getString("id") + "/redrive")
                .json(new JsonObject().put("input", "a text"))
                .send();
        var large = redrive(load, new JsonObject().put("x", "x".repeat((1 << 20) + 1)));
        var none = redrive(call, new JsonObject().put("x", 1));

        assertThat(text.code()).isEqualTo("VALIDATION_ERROR");
        assertThat(text.body().toString()).contains("JSON object");
        assertThat(large.code()).isEqualTo("VALIDATION_ERROR");
        assertThat(none.code()).isEqualTo("CONFLICT");
        assertThat(list("dag=refused")).hasSize(2);
        assertThat(node.rows("task_instances", "input IS NOT NULL AND run_id = '" + run + "'"))
                .isZero();
    }

    private static JsonObject polled(JsonObject worker) {
        return client.post("/api/v1/remote-workers/" + worker.getString("id") + "/poll")
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(new JsonObject().put("waitMs", 10_000))
                .send()
                .json()
                .getJsonArray("assignments")
                .getJsonObject(0);
    }

    private static void told(JsonObject worker, JsonObject task, String what, JsonObject body) {
        var reply = client.post("/api/v1/remote-workers/" + worker.getString("id") + "/claims/"
                        + task.getString("claimId") + "/" + what)
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(body)
                .send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(204);
    }

    private static String started(String dag, JsonObject params) {
        var reply = client.post("/api/v1/dags/" + dag + "/runs")
                .json(new JsonObject().put("params", params))
                .send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(202);
        return reply.json().getString("runId");
    }

    private static JsonObject letter(String dag) {
        until("there is an open letter", () -> !list("dag=" + dag).isEmpty());
        return list("dag=" + dag).getJsonObject(0);
    }

    private static JsonArray list(String query) {
        return client.get(LETTERS + "?" + query).send().json().getJsonArray("items");
    }

    private static JsonObject shown(JsonObject letter) {
        return client.get(LETTERS + "/" + letter.getString("id")).send().json();
    }

    private static Reply redrive(JsonObject letter, JsonObject input) {
        return client.post(LETTERS + "/" + letter.getString("id") + "/redrive")
                .json(input == null ? new JsonObject() : new JsonObject().put("input", input))
                .send();
    }
}
