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
import java.util.HashSet;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Runs over the API of a whole node, and the node that executes them; each answer is held against the contract. */
class RunsApiIT {

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
                .contains("orrery_task_results_refused_total 0.0")
                .contains("orrery_nodes_fenced_total 0.0", "orrery_peer_messages_ignored_total 0.0")
                .contains("orrery_heartbeat_age_seconds");
        assertThat(client.get("/").send().body().toString()).contains("standalone");
    }
}
