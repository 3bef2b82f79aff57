package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What failed for good, over HTTP: looked at, sent back, discarded. */
class DeadLettersApiIT {

    private static final String LETTERS = "/api/v1/dead-letters";
    private static final String TASKS = "/api/v1/tasks";

    private static NodeUnderTest node;
    private static ApiClient client;

    @TempDir
    private static Path folder;

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
    void aLetterTellsAllThereIsToKnow() {
        var task = submitted(shell("told", "echo '::output {\"rows\": 1}'; exit 3")
                .put("maxRetries", 1)
                .put("input", new JsonObject().put("order", 7)));

        var letter = letterOf("told", task);

        var shown = client.get(LETTERS + "/" + letter.getString("id")).send().json();
        assertThat(shown.getString("state")).isEqualTo("open");
        assertThat(shown.getString("error")).contains("3");
        assertThat(shown.getJsonObject("definition").getString("type")).isEqualTo("shell");
        assertThat(shown.getJsonObject("input").getInteger("order")).isEqualTo(7);
        assertThat(shown.getJsonArray("attempts")).hasSize(2);
        assertThat(shown.getInteger("redrives")).isZero();
        assertThat(list("name=told&queue=default&outcome=failed&from=2020-01-01T00:00:00Z"))
                .hasSize(1);
        assertThat(list("name=told&queue=other")).isEmpty();
        assertThat(list("name=told&outcome=timed_out")).isEmpty();
        assertThat(list("name=told&to=2020-01-01T00:00:00Z")).isEmpty();
        assertThat(list("name=told&dag=told")).isEmpty();
        assertThat(list("name=told&fingerprint=" + shown.getString("fingerprint")))
                .hasSize(1);
        assertThat(client.get(LETTERS + "/" + task).send().code()).isEqualTo("DEAD_LETTER_NOT_FOUND");
    }

    @Test
    void lettersOfOneCauseAreOneGroup() {
        for (var n = 0; n < 3; n++) {
            letterOf("alike", submitted(handler("alike", "no-such-" + n)));
        }

        var groups = client.get(LETTERS + "/groups?name=alike").send().json().getJsonArray("items");

        assertThat(groups).hasSize(1);
        assertThat(groups.getJsonObject(0).getInteger("count")).isEqualTo(3);
        assertThat(groups.getJsonObject(0).getJsonObject("sample").getString("name"))
                .isEqualTo("alike");
        var first = client.get(LETTERS + "?name=alike&limit=2").send().json();
        var rest = client.get(LETTERS + "?name=alike&limit=2&cursor=" + first.getString("nextCursor"))
                .send()
                .json();
        assertThat(first.getJsonArray("items")).hasSize(2);
        assertThat(rest.getJsonArray("items")).hasSize(1);
        assertThat(rest.getString("nextCursor")).isNull();
    }

    @Test
    void aLetterIsSentBackWithAnotherInput() {
        var task = submitted(shell("edited", "grep -q mended $ORRERY_PARAMS").put("input", "broken"));
        var letter = letterOf("edited", task);

        var reply = redrive(letter, new JsonObject().put("input", "mended").put("by", "ada"));

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        assertThat(reply.json().getString("state")).isEqualTo("redriven");
        assertThat(reply.json().getString("resolvedBy")).isEqualTo("ada");
        assertThat(reply.json().getString("input")).isEqualTo("broken");
        awaitState(task, "completed");
        assertThat(redrive(letter, new JsonObject()).status()).isEqualTo(409);
    }

    @Test
    void aLetterThatIsDiscardedKeepsWhoAndWhy() {
        var letter = letterOf("unwanted", submitted(shell("unwanted", "exit 1")));
        var path = LETTERS + "/" + letter.getString("id");

        var reply = client.post(path + "/discard")
                .json(new JsonObject().put("reason", "nobody needs it").put("by", "bob"))
                .send();

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        assertThat(reply.json().getString("state")).isEqualTo("discarded");
        assertThat(reply.json().getString("reason")).isEqualTo("nobody needs it");
        assertThat(reply.json().getString("resolvedBy")).isEqualTo("bob");
        assertThat(redrive(letter, new JsonObject()).status()).isEqualTo(409);
        assertThat(list("name=unwanted")).isEmpty();
        assertThat(list("name=unwanted&state=discarded")).hasSize(1);
        assertThat(client.post(path + "/discard").json(new JsonObject()).send().status())
                .isEqualTo(400);
    }

    @Test
    void aTaskIsSentBackOnlySoOften() {
        var task = submitted(shell("hopeless", "exit 1"));
        for (var n = 0; n < 10; n++) {
            var letter = letterOf("hopeless", task);
            assertThat(letter.getInteger("redrives")).isEqualTo(n);
            assertThat(redrive(letter, new JsonObject()).status()).isEqualTo(200);
        }

        var reply = redrive(letterOf("hopeless", task), new JsonObject());

        assertThat(reply.status()).isEqualTo(409);
        assertThat(reply.code()).isEqualTo("REDRIVE_LIMIT");
    }

    @Test
    void aRunGoesOnWhereItsTaskIsSentBackAndWhatWasSkippedWithIt() throws Exception {
        var flag = folder.resolve("mended");
        var dag = node.publish("mended-later", """
                tasks:
                  - {id: load, name: load, type: shell, command: "test -e FLAG", retry: {maxAttempts: 1}}
                  - {id: other, name: other, type: shell, command: "exit 1", retry: {maxAttempts: 1}}
                  - {id: side, name: side, type: shell, command: "true"}
                  - {id: after, name: after, type: shell, command: "true", dependencies: [load, side]}
                  - {id: last, name: last, type: shell, command: "true", dependencies: [after]}
                  - {id: never, name: never, type: shell, command: "true", dependencies: [last, other]}
                """.replace("FLAG", flag.toString()));
        var run = node.trigger(dag);
        assertThat(node.ended(run).getString("state")).isEqualTo("failed");
        var letter = list("dag=mended-later&name=load").getJsonObject(0);
        assertThat(redrive(letter, new JsonObject().put("input", 1)).status()).isEqualTo(400);

        Files.createFile(flag);
        var reply = redrive(letter, new JsonObject());

        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        assertThat(reply.json().getJsonObject("definition").getString("id")).isEqualTo("load");
        assertThat(node.ended(run).getString("state")).isEqualTo("failed");
        assertThat(states(run))
                .containsExactly("succeeded", "failed", "succeeded", "succeeded", "succeeded", "skipped");

        var second = list("dag=mended-later").getJsonObject(0);
        assertThat(second.getString("name")).isEqualTo("other");
        assertThat(redrive(second, new JsonObject()).status()).isEqualTo(200);
        assertThat(node.ended(run).getString("state")).isEqualTo("failed");
        assertThat(states(run)).last().isEqualTo("skipped");
        assertThat(client.post("/api/v1/runs/" + run + "/cancel").send().status())
                .isEqualTo(202);
    }

    @Test
    void whatFailsAgainWhileAllAreSentBackIsNotTakenTwice() {
        var reply = client.post(TASKS + "/batch")
                .json(new JsonObject()
                        .put("tasks", new JsonArray(Collections.nCopies(1_000, handler("again", "no-such-handler")))))
                .send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        until("all have failed", () -> open("again") == 1_000);
        var filter = new JsonObject().put("filter", new JsonObject().put("name", "again"));
        var preview = client.post(LETTERS + "/redrive")
                .json(filter.copy().put("dryRun", true))
                .send();
        assertThat(preview.status()).as(preview.body().toString()).isEqualTo(200);
        assertThat(preview.json().getInteger("count")).isEqualTo(1_000);

        var asked = client.post(LETTERS + "/redrive")
                .json(filter.copy().put("by", "ada"))
                .send();

        assertThat(asked.status()).as(asked.body().toString()).isEqualTo(202);
        var redrive = asked.header("Location");
        until(
                "it is done",
                () -> client.get(redrive).send().json().getString("state").equals("ended"));
        var ended = client.get(redrive).send().json();
        assertThat(ended.getInteger("redriven")).isEqualTo(1_000);
        assertThat(ended.getInteger("refused")).isZero();
        until("all have failed again", () -> open("again") == 1_000);
        assertThat(node.rows("dead_letters", "redrive_id = '" + ended.getString("id") + "' AND resolved_by = 'ada'"))
                .isEqualTo(1_000);
        assertThat(
                        node.value(
                                "SELECT max(attempt) FROM orrery.dead_letters l JOIN orrery.task_instances i ON i.id = l.task_id WHERE i.name = 'again'"))
                .isEqualTo("2");
    }

    @Test
    void chosenOnesAreSentBackAtARateAndGoOnAfterARestart() {
        var ids = new JsonArray();
        for (var n = 0; n < 6; n++) {
            ids.add(letterOf("chosen", submitted(shell("chosen", "[ $ORRERY_ATTEMPT = 2 ]")))
                    .getString("id"));
        }
        ids.add("01980f6e-7000-7000-8b2d-5f3100000000");
        var body = new JsonObject().put("ids", ids).put("ratePerSecond", 2);
        assertThat(client.post(LETTERS + "/redrive")
                        .json(body.copy().put("dryRun", true))
                        .send()
                        .json()
                        .getInteger("count"))
                .isEqualTo(6);

        var asked = client.post(LETTERS + "/redrive").json(body).send();
        assertThat(asked.status()).as(asked.body().toString()).isEqualTo(202);
        var begun = Instant.parse(asked.json().getString("createdAt"));
        node.restart();

        var redrive = asked.header("Location");
        until(
                "it is done",
                () -> client.get(redrive).send().json().getString("state").equals("ended"));
        var ended = client.get(redrive).send().json();
        assertThat(ended.getInteger("redriven")).isEqualTo(6);
        assertThat(ended.getInteger("refused")).isEqualTo(1);
        assertThat(Instant.parse(ended.getString("endedAt"))).isAfter(begun.plusMillis(1_900));
        assertThat(client.get(LETTERS + "/redrives/01980f6e-7000-7000-8b2d-5f3100000000")
                        .send()
                        .code())
                .isEqualTo("REDRIVE_NOT_FOUND");
        assertThat(client.post(LETTERS + "/redrive")
                        .json(new JsonObject())
                        .send()
                        .status())
                .isEqualTo(400);
    }

    @Test
    void manyAreDiscardedByAFilter() {
        for (var n = 0; n < 3; n++) {
            letterOf("useless", submitted(handler("useless", "no-such-" + n)));
        }
        var kept = letterOf("kept", submitted(handler("kept", "no-such-handler")));
        var filter = new JsonObject()
                .put("filter", new JsonObject().put("name", "useless"))
                .put("reason", "the orders were cancelled")
                .put("by", "ada");
        var preview = client.post(LETTERS + "/discard")
                .json(filter.copy().put("dryRun", true))
                .send();
        assertThat(preview.json().getInteger("count")).isEqualTo(3);
        assertThat(list("name=useless")).hasSize(3);

        var asked = client.post(LETTERS + "/discard").json(filter).send();

        assertThat(asked.status()).as(asked.body().toString()).isEqualTo(202);
        assertThat(asked.json().getString("action")).isEqualTo("discard");
        var redrive = asked.header("Location");
        until(
                "it is done",
                () -> client.get(redrive).send().json().getString("state").equals("ended"));
        assertThat(client.get(redrive).send().json().getInteger("redriven")).isEqualTo(3);
        assertThat(list("name=useless")).isEmpty();
        assertThat(list("name=useless&state=discarded")).hasSize(3).allSatisfy(letter -> {
            assertThat(((JsonObject) letter).getString("reason")).isEqualTo("the orders were cancelled");
            assertThat(((JsonObject) letter).getString("resolvedBy")).isEqualTo("ada");
        });
        assertThat(list("name=kept").getJsonObject(0).getString("id")).isEqualTo(kept.getString("id"));
        assertThat(client.post(LETTERS + "/discard")
                        .json(new JsonObject().put("filter", new JsonObject()))
                        .send()
                        .code())
                .isEqualTo("VALIDATION_ERROR");
    }

    @Test
    void whatWasAskedOfManyIsListedAndEndsWhereItIsCancelled() {
        var ids = new JsonArray();
        for (var n = 0; n < 60; n++) {
            ids.add("01980f6e-7000-7000-8b2d-5f31000000" + (10 + n));
        }
        var asked = client.post(LETTERS + "/redrive")
                .json(new JsonObject().put("ids", ids).put("ratePerSecond", 1))
                .send();
        assertThat(asked.status()).as(asked.body().toString()).isEqualTo(202);
        var redrive = asked.header("Location");
        until("it has begun", () -> client.get(redrive).send().json().getInteger("refused") > 0);

        var cancelled = client.post(redrive + "/cancel").send();

        assertThat(cancelled.status()).as(cancelled.body().toString()).isEqualTo(200);
        assertThat(cancelled.json().getString("state")).isEqualTo("cancelled");
        assertThat(cancelled.json().getInteger("refused")).isBetween(1, 59);
        assertThat(client.post(redrive + "/cancel").send().json()).isEqualTo(cancelled.json());
        assertThat(client.get(LETTERS + "/redrives?limit=1").send().json().getJsonArray("items"))
                .containsExactly(cancelled.json());
        assertThat(client.get(redrive).send().json()).isEqualTo(cancelled.json());
        assertThat(client.post(LETTERS + "/redrives/01980f6e-7000-7000-8b2d-5f3100000000/cancel")
                        .send()
                        .code())
                .isEqualTo("REDRIVE_NOT_FOUND");
    }

    private static int open(String name) {
        return node.rows(
                "dead_letters l JOIN orrery.task_instances i ON i.id = l.task_id",
                "l.state = 'open' AND i.name = '" + name + "'");
    }

    private static List<String> states(String run) {
        return node.run(run).getJsonArray("tasks").stream()
                .map(task -> ((JsonObject) task).getString("state"))
                .toList();
    }

    private static Reply redrive(JsonObject letter, JsonObject body) {
        return client.post(LETTERS + "/" + letter.getString("id") + "/redrive")
                .json(body)
                .send();
    }

    private static JsonArray list(String query) {
        var reply = client.get(LETTERS + "?" + query).send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(200);
        return reply.json().getJsonArray("items");
    }

    private static JsonObject letterOf(String name, String task) {
        until("there is a letter of " + task, () -> found(name, task) != null);
        return found(name, task);
    }

    private static JsonObject found(String name, String task) {
        return list("limit=500&name=" + name).stream()
                .map(JsonObject.class::cast)
                .filter(letter -> letter.getString("taskInstanceId").equals(task))
                .findFirst()
                .orElse(null);
    }

    private static void awaitState(String task, String state) {
        until(
                task + " is " + state,
                () -> client.get(TASKS + "/" + task)
                        .send()
                        .json()
                        .getString("state")
                        .equals(state));
    }

    private static JsonObject shell(String name, String command) {
        return new JsonObject()
                .put("name", name)
                .put("type", "shell")
                .put("command", command)
                .put("maxRetries", 0);
    }

    private static JsonObject handler(String name, String handler) {
        return new JsonObject()
                .put("name", name)
                .put("type", "handler")
                .put("handler", handler)
                .put("maxRetries", 0);
    }

    private static String submitted(JsonObject task) {
        var reply = client.post(TASKS).json(task).send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        return reply.json().getString("id");
    }
}
