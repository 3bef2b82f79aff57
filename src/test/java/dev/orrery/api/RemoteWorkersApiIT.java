package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What remote workers do, as they see it. */
class RemoteWorkersApiIT extends RemoteWorkersApiTestBase {

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
}
