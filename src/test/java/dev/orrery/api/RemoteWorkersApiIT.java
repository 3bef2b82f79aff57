package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Remote workers as they see it: by HTTP, against a whole node. */
class RemoteWorkersApiIT extends JobsApiTestBase {

    private static final String WORKERS = "/api/v1/remote-workers";
    private static final String RUNS = "/api/v1/runs";
    private static final JsonObject NOTHING = new JsonObject();

    /** A worker that has registered, with its token. */
    private record Worker(String id, String token) {

        static Worker offering(String... handlers) {
            return of(new JsonObject().put("name", "w").put("handlers", new JsonArray(List.of(handlers))));
        }

        static Worker of(JsonObject registration) {
            var answer = client.post(WORKERS).json(registration).send();
            assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
            return new Worker(answer.json().getString("id"), answer.json().getString("token"));
        }

        ApiClient.Call post(String path) {
            return client.post(WORKERS + "/" + id + path).header("Orrery-Worker-Token", token);
        }

        Future<Reply> startPoll(JsonObject body) {
            return post("/poll").json(body).start();
        }

        JsonObject poll(JsonObject body) {
            return good(await(startPoll(body)));
        }

        /** The first task that it is given. */
        JsonObject fetch() {
            return first(poll(NOTHING));
        }

        JsonObject beat(String... claims) {
            return good(post("/heartbeat")
                    .json(new JsonObject().put("claims", new JsonArray(List.of(claims))))
                    .send());
        }

        Reply report(JsonObject task, String what, JsonObject body) {
            return post("/claims/" + claim(task) + "/" + what).json(body).send();
        }

        void complete(JsonObject task, JsonObject output) {
            assertThat(report(task, "complete", new JsonObject().put("output", output))
                            .status())
                    .isEqualTo(204);
        }

        Reply leave() {
            return client.delete(WORKERS + "/" + id)
                    .header("Orrery-Worker-Token", token)
                    .send();
        }

        private static JsonObject good(Reply answer) {
            assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
            return answer.json();
        }
    }

    private static JsonObject first(JsonObject polled) {
        assertThat(polled.getJsonArray("assignments")).as("a task was ready").isNotEmpty();
        return polled.getJsonArray("assignments").getJsonObject(0);
    }

    private static String claim(JsonObject task) {
        return task.getString("claimId");
    }

    private static String run(String handler, String more) {
        return node.trigger(node.publish(
                handler + " " + UUID.randomUUID(), "tasks: [{id: a, type: agent, handler: " + handler + more + "}]"));
    }

    private static JsonObject task(String run) {
        return client.get(RUNS + "/" + run + "/tasks/a").send().json();
    }

    private static void isStale(Reply answer) {
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(409);
        assertThat(answer.code()).isEqualTo("STALE_CLAIM");
    }

    private static void isGone(Reply answer) {
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(410);
        assertThat(answer.code()).isEqualTo("WORKER_GONE");
    }

    @Test
    void aTaskIsPutOffAndFetchedAgain() {
        var worker = Worker.offering("watch");
        var run = run("watch", "");
        var fetched = worker.fetch();

        for (var wrong : List.of(
                new JsonObject().put("snooze", "soon"),
                new JsonObject().put("snooze", "31d"),
                new JsonObject().put("snooze", "1s").put("output", 1))) {
            assertThat(worker.report(fetched, "complete", wrong).code()).isEqualTo("VALIDATION_ERROR");
        }
        var later = new JsonObject().put("snooze", "1s");
        assertThat(worker.report(fetched, "complete", later).status()).isEqualTo(204);
        assertThat(worker.report(fetched, "complete", later).status()).isEqualTo(204);
        isStale(worker.report(fetched, "complete", NOTHING));
        assertThat(task(run).getString("state")).isEqualTo("retrying");

        var again = worker.fetch();
        assertThat(again.getInteger("attempt")).isEqualTo(2);
        worker.complete(again, NOTHING);
        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(task(run).getJsonArray("attempts").getJsonObject(0).getString("outcome"))
                .isEqualTo("snoozed");
    }

    @Test
    void aTaskOfADagIsFetchedAndReported() {
        var worker = Worker.offering("resize");
        var run = run("resize", ", input: {w: 3}");

        var fetched = worker.fetch();
        assertThat(fetched.getJsonObject("input")).isEqualTo(new JsonObject().put("w", 3));
        assertThat(fetched.getString("runId")).isEqualTo(run);
        assertThat(task(run).getString("state")).isEqualTo("running");
        assertThat(task(run).getString("workerId")).isEqualTo(worker.id());
        worker.complete(fetched, new JsonObject().put("h", 4));

        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(task(run).getJsonObject("output")).isEqualTo(new JsonObject().put("h", 4));
        assertThat(worker.report(fetched, "complete", NOTHING).status())
                .as("told again, its answer may be lost")
                .isEqualTo(204);
    }

    @Test
    void aJobIsDoneByAWorker() {
        var worker = Worker.offering("mail");
        var job = registered(once("mail")
                .put("handlerType", "agent")
                .put("handlerName", "mail")
                .put("payload", new JsonObject().put("to", "ada")));

        var fetched = worker.fetch();
        assertThat(fetched.getJsonObject("input")).isEqualTo(new JsonObject().put("to", "ada"));
        assertThat(fetched.getValue("params")).isNull();
        worker.complete(fetched, NOTHING);

        until("the job is completed", () -> job(job).getString("status").equals("completed"));
        var execution = executions(job, "").getFirst();
        assertThat(execution.getString("status")).isEqualTo("success");
        assertThat(execution.getString("workerId")).isEqualTo(worker.id());
    }

    @Test
    void whatNobodyOffersSaysSo() {
        var run = run("nobody", "");
        var job = registered(once("alone").put("handlerType", "agent").put("handlerName", "nobody"));
        until("it has fired", () -> !executions(job, "").isEmpty());
        var execution = executions(job, "").getFirst().getString("id");

        assertThat(task(run).getString("waitingFor")).startsWith("no remote worker offers 'nobody'");
        assertThat(execution(execution).getString("status")).isEqualTo("pending");
        assertThat(execution(execution).getString("waitingFor")).startsWith("no remote worker offers 'nobody'");

        Worker.offering("nobody");
        assertThat(task(run).getValue("waitingFor")).isNull();
        assertThat(execution(execution).getValue("waitingFor")).isNull();
    }

    @Test
    void aWorkerIsGivenParamsAndWhatItsDependenciesPutOut() {
        var worker = Worker.offering("join");
        var dag = node.publish("joining", """
                        tasks:
                          - {id: left, type: handler, handler: echo, input: {n: 1}}
                          - {id: a, type: agent, handler: join, dependencies: [left]}
                        """);
        client.post("/api/v1/dags/" + dag + "/runs")
                .json("{\"params\": {\"p\": 1e400}}")
                .send();

        var fetched = worker.post("/poll").json(NOTHING).send().body().toString();

        assertThat(fetched).contains("\"params\":{\"p\":1E+400}", "\"outputs\":{\"left\":{\"n\":1}}", "\"input\":null");
    }

    @Test
    void whoWaitsIsAnsweredAtOnceWhenSomethingIsReady() {
        var worker = Worker.offering("soon");
        var answer = worker.startPoll(NOTHING);
        until("it waits", () -> node.waitingPolls() > 0);
        var dag = node.publish("soon", "tasks: [{id: a, type: agent, handler: soon}]");

        var began = System.nanoTime();
        node.trigger(dag);
        var fetched = first(await(answer).json());

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofMillis(900));
        worker.complete(fetched, NOTHING);
    }

    @Test
    void ofManyWhoWaitOneIsGivenTheTask() {
        var polls = Stream.generate(() -> Worker.offering("rare"))
                .limit(20)
                .map(worker -> worker.startPoll(new JsonObject().put("waitMs", 1_500)))
                .toList();
        var run = run("rare", "");

        var given = polls.stream()
                .map(poll -> await(poll).json().getJsonArray("assignments"))
                .filter(tasks -> !tasks.isEmpty())
                .toList();

        assertThat(given).hasSize(1);
        assertThat(given.getFirst().getJsonObject(0).getString("runId")).isEqualTo(run);
    }

    @Test
    void whoHungUpIsNotGivenAnything() throws IOException {
        var impatient = Worker.offering("ring");
        try (var line = new Socket(InetAddress.getLoopbackAddress(), node.port())) {
            var body = "{\"waitMs\":25000}";
            line.getOutputStream()
                    .write(("POST " + WORKERS + "/" + impatient.id()
                                    + "/poll HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nOrrery-Worker-Token: "
                                    + impatient.token() + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.US_ASCII));
            until("it waits", () -> node.waitingPolls() > 0);
        }
        until("its place is free", () -> node.waitingPolls() == 0);

        run("ring", "");
        var other = Worker.offering("ring");

        assertThat(other.fetch().getInteger("attempt")).isEqualTo(1);
    }

    @Test
    void whatALostAnswerToldIsToldAgain() {
        var worker = Worker.offering("twice");
        run("twice", "");
        var lost = worker.fetch();

        var again = worker.fetch();
        assertThat(again).isEqualTo(lost);

        var known = worker.poll(new JsonObject().put("waitMs", 1).put("claims", new JsonArray().add(claim(lost))));
        assertThat(known.getJsonArray("assignments")).isEmpty();
        assertThat(known.getJsonArray("lost")).isEmpty();
    }

    @Test
    void aSecondPollEndsTheFirst() {
        var worker = Worker.offering("single");
        var first = worker.startPoll(NOTHING);
        until("it waits", () -> node.waitingPolls() > 0);
        var second = worker.startPoll(new JsonObject().put("waitMs", 100));

        assertThat(await(first).json().getJsonArray("assignments")).isEmpty();
        assertThat(await(second).json().getJsonArray("assignments")).isEmpty();
    }

    @Test
    void aCancelIsToldByTheHeartbeat() {
        var worker = Worker.offering("long");
        var run = run("long", ", retry: {maxAttempts: 3}");
        var fetched = worker.fetch();
        assertThat(worker.beat(claim(fetched)).getJsonArray("cancel")).isEmpty();

        client.post(RUNS + "/" + run + "/cancel").send();

        assertThat(worker.beat(claim(fetched)).getJsonArray("cancel")).containsExactly(claim(fetched));
        assertThat(worker.report(
                                fetched,
                                "fail",
                                new JsonObject().put("error", "stopped").put("retryable", false))
                        .status())
                .isEqualTo(204);
        assertThat(node.ended(run).getString("state")).isEqualTo("cancelled");
        assertThat(worker.beat(claim(fetched)).getJsonArray("lost")).containsExactly(claim(fetched));
    }

    @Test
    void timeoutsAreTheServers() {
        var worker = Worker.offering("slow");
        var run = run("slow", ", timeout: 200ms, retry: {maxAttempts: 2, initialDelay: 0s}");
        var late = worker.fetch();

        var again = worker.poll(new JsonObject().put("claims", new JsonArray().add(claim(late))));
        assertThat(first(again).getInteger("attempt")).isEqualTo(2);
        isStale(worker.report(late, "complete", NOTHING));

        assertThat(node.ended(run).getString("state")).isEqualTo("failed");
        assertThat(task(run).getString("state")).isEqualTo("timed_out");
        assertThat(task(run).getString("error")).contains("timeout of 200ms");
    }

    @Test
    void aFailureIsTriedAgainUnlessItSaysThatItIsNoUse() {
        var worker = Worker.offering("flaky");
        var run = run("flaky", ", retry: {maxAttempts: 3, initialDelay: 0s}");

        var failed = worker.fetch();
        worker.report(failed, "fail", new JsonObject().put("error", "no luck"));
        var useless = worker.fetch();
        assertThat(useless.getInteger("attempt")).isEqualTo(2);
        worker.report(
                useless, "fail", new JsonObject().put("error", "no such file").put("retryable", false));

        assertThat(node.ended(run).getString("state")).isEqualTo("failed");
        assertThat(task(run).getString("error")).isEqualTo("no such file");
        assertThat(task(run).getJsonArray("attempts").getJsonObject(0).getString("error"))
                .isEqualTo("no luck");
    }

    @Test
    void whatAWorkerSaysStandsInTheLog() {
        var worker = Worker.offering("talk");
        var run = run("talk", "");
        var fetched = worker.fetch();
        var body = new JsonObject()
                .put("lines", new JsonArray().add("plain"))
                .put(
                        "entries",
                        new JsonArray()
                                .add(new JsonObject()
                                        .put("level", "warning")
                                        .put("message", "half")
                                        .put("data", new JsonObject().put("n", 1))));

        for (var n = 0; n < 2; n++) {
            var answer = worker.post("/claims/" + claim(fetched) + "/log")
                    .header("Idempotency-Key", "log-1")
                    .json(body)
                    .send();
            assertThat(answer.json().getBoolean("kept")).isTrue();
        }
        worker.report(fetched, "log", new JsonObject().put("lines", new JsonArray().add("end")));
        worker.complete(fetched, NOTHING);

        node.ended(run);
        var log = client.get(RUNS + "/" + run + "/tasks/a/logs").send().body().toString();
        assertThat(log).matches("plain\n\\S+Z WARNING half \\{\"n\":1}\nend\n");
        isStale(worker.report(fetched, "log", new JsonObject().put("lines", new JsonArray().add("late"))));
    }

    @Test
    void howFarItHasComeIsTold() {
        var worker = Worker.offering("far");
        var run = run("far", "");
        var fetched = worker.fetch();

        assertThat(worker.report(fetched, "progress", new JsonObject().put("percent", 40))
                        .status())
                .isEqualTo(204);
        assertThat(task(run).getInteger("progress")).isEqualTo(40);

        worker.complete(fetched, NOTHING);
        isStale(worker.report(fetched, "progress", new JsonObject().put("percent", 90)));
    }

    @Test
    void whatASilentWorkerHeldIsDoneByAnother() {
        var silent = Worker.of(new JsonObject()
                .put("name", "silent")
                .put("leaseMs", 2_000)
                .put("handlers", new JsonArray().add("count")));
        var run = run("count", "");
        var lost = silent.fetch();

        var other = Worker.offering("count");
        var again = other.fetch();

        assertThat(again.getInteger("attempt")).isEqualTo(2);
        isStale(silent.report(lost, "complete", NOTHING));
        isGone(silent.post("/poll").send());
        isGone(silent.post("/heartbeat").send());
        other.complete(again, NOTHING);
        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(task(run).getJsonArray("attempts").getJsonObject(0).getString("outcome"))
                .isEqualTo("lost");
    }

    @Test
    void whoSignsOffGivesBackWhatItHolds() {
        var leaving = Worker.offering("hand");
        var run = run("hand", "");
        var held = leaving.fetch();

        assertThat(leaving.leave().status()).isEqualTo(204);
        assertThat(leaving.leave().status()).as("again").isEqualTo(204);
        isGone(leaving.post("/poll").send());
        isStale(leaving.report(held, "complete", NOTHING));

        var other = Worker.offering("hand");
        other.complete(other.fetch(), NOTHING);
        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
        assertThat(listed("hand")).hasSize(1);
    }

    @Test
    void eachCallShowsTheToken() {
        var worker = Worker.offering("secret");
        var other = Worker.offering("secret");
        run("secret", "");
        var fetched = worker.fetch();

        var wrong = client.post(WORKERS + "/" + worker.id() + "/poll")
                .header("Orrery-Worker-Token", other.token())
                .send();
        assertThat(wrong.status()).isEqualTo(403);
        assertThat(wrong.code()).isEqualTo("WRONG_WORKER_TOKEN");
        assertThat(client.post(WORKERS + "/" + worker.id() + "/poll").send().status())
                .isEqualTo(400);
        var unknown = client.post(WORKERS + "/" + NOBODY + "/poll")
                .header("Orrery-Worker-Token", other.token())
                .send();
        assertThat(unknown.code()).isEqualTo("REMOTE_WORKER_NOT_FOUND");
        isStale(other.report(fetched, "complete", NOTHING));
        isStale(other.report(fetched, "log", new JsonObject().put("lines", new JsonArray().add("x"))));
    }

    @Test
    void aRepeatedRegistrationIsTheSameWorkerWithANewToken() {
        var body = new JsonObject().put("name", "w").put("handlers", new JsonArray().add("once"));
        var first =
                client.post(WORKERS).header("Idempotency-Key", "w-1").json(body).send();
        var worker = new Worker(first.json().getString("id"), first.json().getString("token"));
        worker.beat();

        var second =
                client.post(WORKERS).header("Idempotency-Key", "w-1").json(body).send();

        assertThat(second.json().getString("id")).isEqualTo(worker.id());
        new Worker(worker.id(), second.json().getString("token")).beat();
        assertThat(client.post(WORKERS)
                        .header("Idempotency-Key", "w-1")
                        .json(body.put("slots", 7))
                        .send()
                        .status())
                .isEqualTo(409);
    }

    private static JsonArray listed(String handler) {
        return client.get(WORKERS + "?handler=" + handler).send().json().getJsonArray("items");
    }

    @Test
    void aWorkerServesItsTenantAlone() {
        client.post("/api/v1/tenants").json("{\"name\": \"acme\"}").send();
        var own = Worker.offering("shared");
        var made = client.post(WORKERS)
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject().put("name", "theirs").put("handlers", new JsonArray().add("shared")))
                .send()
                .json();
        var dag = client.post("/api/v1/dags")
                .header("Orrery-Tenant", "acme")
                .json(new JsonObject().put("name", "d").put("yaml", "tasks: [{id: a, type: agent, handler: shared}]"))
                .send()
                .json();
        client.post("/api/v1/dags/" + dag.getString("id") + "/runs")
                .header("Orrery-Tenant", "acme")
                .send();

        assertThat(own.poll(new JsonObject().put("waitMs", 1)).getJsonArray("assignments"))
                .isEmpty();
        var theirs = new Worker(made.getString("id"), made.getString("token"));
        assertThat(theirs.post("/poll").send().code()).as("it says whose it is").isEqualTo("REMOTE_WORKER_NOT_FOUND");
        var fetched = theirs.post("/poll").header("Orrery-Tenant", "acme").send();
        assertThat(first(fetched.json()).getString("dagName")).isEqualTo("d");
        assertThat(listed("shared")).hasSize(1);
    }

    @Test
    void workersAreListedAndAreNoNodes() {
        var slots = client.get("/api/v1/cluster").send().json().getLong("slots");
        var worker = Worker.of(new JsonObject()
                .put("name", "gpu-1")
                .put("version", "2.1")
                .put("slots", 4)
                .put("handlers", new JsonArray().add("list").add("list2")));
        run("list", "");
        worker.fetch();

        var shown = listed("list2").getJsonObject(0);
        assertThat(shown.getString("name")).isEqualTo("gpu-1");
        assertThat(shown.getString("status")).isEqualTo("running");
        assertThat(shown.getInteger("runningTasks")).isEqualTo(1);
        assertThat(client.get("/api/v1/nodes").send().json().getJsonArray("items"))
                .hasSize(1);
        var cluster = client.get("/api/v1/cluster").send().json();
        assertThat(cluster.getInteger("nodes")).isEqualTo(1);
        assertThat(cluster.getLong("slots")).isEqualTo(slots);
        assertThat(client.post("/api/v1/nodes/" + worker.id().replaceAll("1$", "0") + "/drain")
                        .send()
                        .status())
                .isEqualTo(404);
    }
}
