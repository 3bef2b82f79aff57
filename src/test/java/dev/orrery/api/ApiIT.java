package dev.orrery.api;

import static dev.orrery.api.NodeUnderTest.DAGS;
import static dev.orrery.api.NodeUnderTest.RUNS;
import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every call of the contract on a whole node; each answer is held against the contract. */
class ApiIT {

    private static final String NOBODY = "01980f6e-3c00-7000-8b2d-5f3100000000";
    private static final String ONE = "tasks: [{id: a, type: handler, handler: noop}]";
    private static final String SLEEPER = """
            tasks:
              - {id: wait, type: handler, handler: sleep, input: {ms: 600000}}
              - {id: after, type: handler, handler: noop, dependencies: [wait]}
            """;

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
    void aRunIsStartedWatchedAndDeleted() {
        var id = node.publish("run", """
                tasks:
                  - {id: say, type: shell, command: 'echo hello; echo "::output {\\"rows\\": 3}"'}
                  - {id: then, type: handler, handler: echo, input: {a: [1, null]}, dependencies: [say]}
                """);
        var params = "{\"params\":{\"day\":\"2026-01-31\",\"big\":12345678901234567890.5}}";
        var accepted = client.post(DAGS + "/" + id + "/runs").json(params).send();
        var run = RUNS + "/" + accepted.json().getString("runId");

        assertThat(accepted.status()).isEqualTo(202);
        assertThat(accepted.header("Location")).isEqualTo(run);
        assertThat(accepted.json().getString("state")).isEqualTo("pending");
        assertThat(accepted.json().getString("triggeredBy")).isEqualTo("api");
        var status = node.ended(accepted.json().getString("runId"));
        assertThat(status.getString("state")).isEqualTo("succeeded");
        assertThat(client.get(run).send().body().toString()).contains("12345678901234567890.5");
        assertThat(status.getJsonArray("tasks").stream().map(task -> ((JsonObject) task).getString("taskId")))
                .containsExactly("say", "then");

        var say = client.get(run + "/tasks/say").send().json();
        assertThat(say.getJsonObject("output")).isEqualTo(new JsonObject().put("rows", 3));
        assertThat(say.getString("type")).isEqualTo("shell");
        assertThat(say.getJsonArray("attempts")).hasSize(1);
        assertThat(say.getJsonArray("attempts").getJsonObject(0).getString("outcome"))
                .isEqualTo("succeeded");
        var then = client.get(run + "/tasks/then").send().json();
        assertThat(then.getJsonArray("dependencies")).isEqualTo(new JsonArray().add("say"));
        assertThat(then.getValue("output")).isEqualTo(new JsonObject("{\"a\":[1,null]}"));

        var log = client.get(run + "/tasks/say/logs").send();
        assertThat(log.body().toString()).startsWith("hello\n");
        assertThat(log.header("Orrery-Attempt")).isEqualTo("1");
        assertThat(client.get(run + "/tasks/say/logs?offset=2&attempt=1")
                        .send()
                        .body()
                        .toString())
                .startsWith("llo\n");
        for (var beyond : List.of("1000", "3000000000", "9007199254740991")) {
            var nothing = client.get(run + "/tasks/say/logs?offset=" + beyond).send();
            assertThat(nothing.status()).as(beyond).isEqualTo(200);
            assertThat(nothing.body().length()).isZero();
        }
        assertThat(client.get(run + "/tasks/say/logs?attempt=2").send().code()).isEqualTo("BAD_REQUEST");

        assertThat(client.delete(run).send().status()).isEqualTo(204);
        assertThat(client.get(run).send().code()).isEqualTo("RUN_NOT_FOUND");
    }

    @TestFactory
    Stream<DynamicTest> whatIsNotThereIsNotFound() {
        var dag = DAGS + "/" + NOBODY;
        var run = RUNS + "/" + NOBODY;
        record Call(String method, String uri, String code) {}
        return Stream.of(
                        new Call("GET", dag, "DAG_NOT_FOUND"),
                        new Call("PUT", dag, "DAG_NOT_FOUND"),
                        new Call("DELETE", dag, "DAG_NOT_FOUND"),
                        new Call("GET", dag + "/definition", "DAG_NOT_FOUND"),
                        new Call("GET", dag + "/versions", "DAG_NOT_FOUND"),
                        new Call("POST", dag + "/pause", "DAG_NOT_FOUND"),
                        new Call("POST", dag + "/resume", "DAG_NOT_FOUND"),
                        new Call("POST", dag + "/runs", "DAG_NOT_FOUND"),
                        new Call("GET", dag + "/runs", "DAG_NOT_FOUND"),
                        new Call("GET", run, "RUN_NOT_FOUND"),
                        new Call("DELETE", run, "RUN_NOT_FOUND"),
                        new Call("POST", run + "/cancel", "RUN_NOT_FOUND"),
                        new Call("GET", run + "/events", "RUN_NOT_FOUND"),
                        new Call("GET", run + "/tasks/a", "RUN_NOT_FOUND"),
                        new Call("GET", run + "/tasks/a/logs", "RUN_NOT_FOUND"),
                        new Call("GET", run + "/tasks/a/logs?follow=true", "RUN_NOT_FOUND"),
                        new Call("POST", run + "/tasks/a/cancel", "RUN_NOT_FOUND"))
                .map(call -> DynamicTest.dynamicTest(call.method + " " + call.uri, () -> {
                    var asked = client.call(call.method, call.uri);
                    var reply = call.method.equals("PUT")
                            ? asked.json(yaml("name: a\n" + ONE)).send()
                            : asked.send();

                    assertThat(reply.status()).isEqualTo(404);
                    assertThat(reply.code()).isEqualTo(call.code);
                }));
    }

    @Test
    void aTaskThatTheRunDoesNotHaveIsNotFound() {
        var run = RUNS + "/" + node.trigger(node.publish("taskless", ONE));

        assertThat(client.get(run + "/tasks/b").send().code()).isEqualTo("TASK_NOT_FOUND");
        assertThat(client.get(run + "/tasks/b/logs").send().code()).isEqualTo("TASK_NOT_FOUND");
        assertThat(client.post(run + "/tasks/b/cancel").send().code()).isEqualTo("TASK_NOT_FOUND");
    }

    @Test
    void whatIsActiveIsCancelledBeforeItIsDeleted() {
        var dag = node.publish("active", SLEEPER);
        var run = node.trigger(dag);
        node.untilTask(run, "wait", "running");

        assertThat(client.delete(RUNS + "/" + run).send().code()).isEqualTo("CONFLICT");
        assertThat(client.delete(DAGS + "/" + dag).send().code()).isEqualTo("CONFLICT");
        assertThat(client.post(RUNS + "/" + run + "/cancel").send().status()).isEqualTo(202);
        assertThat(client.post(RUNS + "/" + run + "/cancel").send().status()).isEqualTo(202);
        assertThat(node.ended(run).getString("state")).isEqualTo("cancelled");
        assertThat(client.post(RUNS + "/" + run + "/cancel").send().status()).isEqualTo(202);
        assertThat(client.delete(DAGS + "/" + dag).send().status()).isEqualTo(204);
        assertThat(client.get(RUNS + "/" + run).send().code()).isEqualTo("RUN_NOT_FOUND");
    }

    @Test
    void oneTaskIsCancelledAndWhatDependsOnItSkipped() {
        var run = node.trigger(node.publish("one-task", SLEEPER));
        node.untilTask(run, "wait", "running");

        assertThat(client.post(RUNS + "/" + run + "/tasks/wait/cancel").send().status())
                .isEqualTo(202);

        var tasks = node.ended(run).getJsonArray("tasks");
        assertThat(tasks.getJsonObject(0).getString("state")).isEqualTo("cancelled");
        assertThat(tasks.getJsonObject(1).getString("state")).isEqualTo("skipped");
    }

    @Test
    void runsAreListedNewestFirstByStateAndPart() {
        var dag = node.publish("listed", ONE);
        var runs = IntStream.range(0, 5).mapToObj(_ -> node.trigger(dag)).toList();
        runs.forEach(node::ended);
        var uri = DAGS + "/" + dag + "/runs";

        assertThat(ids(client.get(uri).send())).containsExactlyElementsOf(runs.reversed());
        assertThat(ids(client.get(uri + "?limit=2&offset=1").send())).containsExactly(runs.get(3), runs.get(2));
        assertThat(ids(client.get(uri + "?state=succeeded").send())).hasSize(5);
        assertThat(ids(client.get(uri + "?state=failed").send())).isEmpty();
        assertThat(ids(client.get(RUNS + "?state=succeeded&limit=500").send())).containsAll(runs);
        assertThat(ids(client.get(uri + "?offset=5").send())).isEmpty();
    }

    private static List<String> ids(Reply reply) {
        return reply.array().stream()
                .map(run -> ((JsonObject) run).getString("runId"))
                .toList();
    }

    @Test
    void theSameKeyHasOneEffect() {
        var body = yaml(ONE).put("name", "keyed");
        var first =
                client.post(DAGS).header("Idempotency-Key", "make").json(body).send();
        var second =
                client.post(DAGS).header("Idempotency-Key", "make").json(body).send();
        var other = client.post(DAGS)
                .header("Idempotency-Key", "make")
                .json(body.copy().put("name", "other"))
                .send();

        assertThat(second.status()).isEqualTo(201);
        assertThat(second.json()).isEqualTo(first.json());
        assertThat(other.code()).isEqualTo("CONFLICT");
        assertThat(client.get(DAGS + "?name=other").send().array()).isEmpty();
    }

    @Test
    void aKeyHoldsForEveryPost() {
        var one = node.publish("key-one", SLEEPER);
        var two = node.publish("key-two", SLEEPER);
        var run = node.trigger(one);
        var otherRun = node.trigger(two);

        for (var call : List.of("/pause", "/resume", "/runs")) {
            var first = client.post(DAGS + "/" + one + call)
                    .header("Idempotency-Key", "k" + call)
                    .send();
            var again = client.post(DAGS + "/" + one + call)
                    .header("Idempotency-Key", "k" + call)
                    .send();
            var other = client.post(DAGS + "/" + two + call)
                    .header("Idempotency-Key", "k" + call)
                    .send();

            assertThat(again.status()).as(call).isEqualTo(first.status());
            assertThat(other.code()).as(call).isEqualTo("CONFLICT");
        }
        for (var call : List.of("/tasks/wait/cancel", "/cancel")) {
            var first = client.post(RUNS + "/" + run + call)
                    .header("Idempotency-Key", "k" + call)
                    .send();
            var again = client.post(RUNS + "/" + run + call)
                    .header("Idempotency-Key", "k" + call)
                    .send();
            var other = client.post(RUNS + "/" + otherRun + call)
                    .header("Idempotency-Key", "k" + call)
                    .send();

            assertThat(again.status()).as(call).isEqualTo(first.status()).isEqualTo(202);
            assertThat(other.code()).as(call).isEqualTo("CONFLICT");
        }
        client.post(RUNS + "/" + otherRun + "/cancel").send();
        for (var started : ids(client.get(DAGS + "/" + one + "/runs").send())) {
            client.post(RUNS + "/" + started + "/cancel").send();
        }
    }

    @Test
    void manyWhoSendTheSameKeyAtOnceStartOneRun() {
        var uri = DAGS + "/" + node.publish("at-once", ONE) + "/runs";

        var replies = together(
                20, () -> client.post(uri).header("Idempotency-Key", "once").json("{}"));

        assertThat(replies).allMatch(reply -> reply.status() == 202);
        assertThat(new HashSet<>(replies.stream()
                        .map(reply -> reply.json().getString("runId"))
                        .toList()))
                .hasSize(1);
        assertThat(client.get(uri).send().array()).hasSize(1);
    }

    @Test
    void manySubmissionsAtOnceAllCount() {
        var uri = DAGS + "/" + node.publish("crowd", ONE) + "/runs";

        var replies = together(200, () -> client.post(uri));

        assertThat(replies).allMatch(reply -> reply.status() == 202);
        var ids = new HashSet<>(
                replies.stream().map(reply -> reply.json().getString("runId")).toList());
        assertThat(ids).hasSize(200);
        ids.forEach(id -> assertThat(node.ended(id).getString("state")).isEqualTo("succeeded"));
    }

    private static List<Reply> together(int count, Supplier<ApiClient.Call> call) {
        var calls = IntStream.range(0, count).mapToObj(_ -> call.get().start()).toList();
        await(Future.join(calls));
        return calls.stream().map(Future::result).toList();
    }

    @Test
    void theEventsOfARunTellItsWholeStory() {
        var run = node.trigger(
                node.publish(
                        "story",
                        "tasks: [{id: a, type: handler, handler: sleep, input: {ms: 300}}, {id: b, type: handler, handler: noop, dependencies: [a]}]"));

        var events = client.events(RUNS + "/" + run + "/events").rest();

        for (var event : events) {
            var schema = event.name().equals("task") ? "TaskEvent" : "RunEvent";
            node.check.validate(event.name(), schema, event.json());
        }
        assertThat(events.getLast().json().getString("state")).isEqualTo("succeeded");
        assertThat(lastStates(events)).containsEntry("a", "succeeded").containsEntry("b", "succeeded");
        var after = client.get(RUNS + "/" + run + "/events")
                .header("Last-Event-ID", events.getLast().id())
                .send();
        assertThat(after.status()).isEqualTo(204);
    }

    @Test
    void aWatcherGoesOnWhereItWas() {
        var run = node.trigger(
                node.publish(
                        "resumed",
                        "tasks: [{id: a, type: handler, handler: sleep, input: {ms: 1500}}, {id: b, type: handler, handler: noop, dependencies: [a]}]"));
        node.untilTask(run, "a", "running");
        var uri = RUNS + "/" + run + "/events";
        var first = client.events(uri);
        var seen = new ArrayList<EventReader.Event>();
        do {
            seen.add(first.next());
        } while (!seen.getLast().name().equals("run"));
        first.close();

        var rest = client.events(
                        uri,
                        headers -> headers.add("Last-Event-ID", seen.getLast().id()))
                .rest();

        assertThat(rest).isNotEmpty().noneMatch(event -> event.name().equals("reset"));
        assertThat(rest)
                .noneMatch(event -> event.name().equals("task")
                        && event.json().getString("taskId").equals("a")
                        && event.json().getString("state").equals("running"));
        assertThat(lastStates(rest)).containsEntry("a", "succeeded").containsEntry("b", "succeeded");
        assertThat(rest.getLast().json().getString("state")).isEqualTo("succeeded");
    }

    @Test
    void aPlaceThatNobodyKnowsBeginsAnew() {
        var run = node.trigger(node.publish("reset", ONE));
        node.ended(run);

        var events = client.events(
                        RUNS + "/" + run + "/events", headers -> headers.add("Last-Event-ID", "from-elsewhere"))
                .rest();

        assertThat(events.getFirst().name()).isEqualTo("reset");
        assertThat(events.getLast().json().getString("state")).isEqualTo("succeeded");
    }

    private static Map<String, String> lastStates(List<EventReader.Event> events) {
        var states = new HashMap<String, String>();
        events.stream()
                .filter(event -> event.name().equals("task"))
                .forEach(event -> states.put(
                        event.json().getString("taskId"), event.json().getString("state")));
        return states;
    }

    @Test
    void manyWatchAtOnce() {
        var run = node.trigger(
                node.publish("watched", "tasks: [{id: a, type: handler, handler: sleep, input: {ms: 1000}}]"));

        var watchers = IntStream.range(0, 50)
                .mapToObj(_ -> client.events(RUNS + "/" + run + "/events"))
                .toList();

        for (var watcher : watchers) {
            assertThat(watcher.rest().getLast().json().getString("state")).isEqualTo("succeeded");
        }
    }

    @Test
    void aLogIsFollowedWhileItIsPrinted() {
        var run = node.trigger(node.publish("followed", """
                tasks:
                  - id: print
                    type: shell
                    command: |
                      echo first; sleep 1; printf 'zwei \\303\\274\\r\\n'; sleep 0.3; printf 'nul \\000 bad \\377 end'
                """));
        var uri = RUNS + "/" + run + "/tasks/print/logs";

        var events = client.events(uri + "?follow=true").rest();

        assertThat(events.getLast().name()).isEqualTo("end");
        var told = new StringBuilder();
        for (var event : events.subList(0, events.size() - 1)) {
            node.check.validate("log", "LogEvent", event.json());
            told.append(event.json().getString("text"));
        }
        assertThat(told.toString()).startsWith("first\nzwei ü").contains("end");
        assertThat(events.size()).as("it came in pieces").isGreaterThan(2);
        var whole = client.get(uri).send().body();
        assertThat(events.get(events.size() - 2).id()).isEqualTo(Integer.toString(whole.length()));
        var again = client.events(
                        uri + "?follow=true",
                        headers ->
                                headers.add("Last-Event-ID", events.getFirst().id()))
                .rest();
        assertThat(again.getFirst().json().getString("text")).startsWith("zwei");
        var nonsense =
                client.get(uri + "?follow=true").header("Last-Event-ID", "abc").send();
        assertThat(nonsense.code()).isEqualTo("BAD_REQUEST");
    }

    @Test
    void aRunOfThousandsIsToldInOneAnswer() {
        var tasks = new StringBuilder("tasks:\n");
        for (var i = 0; i < 5_000; i++) {
            tasks.append("  - {id: t").append(i).append(", type: handler, handler: noop}\n");
        }
        var run = node.trigger(node.publish("thousands", tasks.toString()));

        var status = node.ended(run);

        assertThat(status.getString("state")).isEqualTo("succeeded");
        assertThat(status.getJsonArray("tasks")).hasSize(5_000);
    }

    @Test
    void theWorkersOfTheNodeAreListed() {
        var workers = client.get("/api/v1/workers").send().array();

        assertThat(workers).hasSize(2);
        assertThat(client.get("/api/v1/workers?limit=1&offset=1").send().array())
                .hasSize(1);
        assertThat(workers.getJsonObject(0).getString("nodeId"))
                .isEqualTo(workers.getJsonObject(1).getString("nodeId"));
    }

    @Test
    void theNodeSaysHowItIs() {
        var ready = client.get("/health/ready").send();

        assertThat(ready.status()).isEqualTo(200);
        assertThat(ready.json()
                        .getJsonObject("checks")
                        .getJsonObject("database")
                        .getString("status"))
                .isEqualTo("up");
        assertThat(client.get("/metrics").send().body().toString())
                .contains("orrery_http_requests_seconds_count")
                .contains("orrery_leader 1.0", "orrery_leader_epoch 1.0", "orrery_nodes_alive 1.0")
                .contains("orrery_nodes_fenced_total 0.0", "orrery_peer_messages_ignored_total 0.0")
                .contains("orrery_heartbeat_age_seconds");
        assertThat(client.get("/").send().body().toString()).contains("standalone");
    }

    @Test
    void whatTheDatabaseCannotKeepNeverReachesIt() {
        var uri = DAGS + "/" + node.publish("odd", ONE) + "/runs";

        for (var params : List.of("{\"a\":\"\\u0000\"}", "{\"a\":1e99999}", "{\"a\":\"\\udc00\"}", "{\"\\u0000\":1}")) {
            assertThat(client.post(uri)
                            .json("{\"params\":" + params + "}")
                            .send()
                            .code())
                    .isEqualTo("VALIDATION_ERROR");
        }
        for (var params : List.of(
                "{\"a\":1e1000}", "{\"a\":-0.0}", "{\"\":\"\\ud83d\\ude00\"}", "{\"a\":" + "9".repeat(900) + "}")) {
            assertThat(client.post(uri)
                            .json("{\"params\":" + params + "}")
                            .send()
                            .status())
                    .as(params)
                    .isEqualTo(202);
        }
        for (var name : List.of("a%00", "%ED%A0%80", "%FF")) {
            assertThat(client.get(DAGS + "?name=" + name).send().status()).isIn(200, 400);
        }
    }
}
