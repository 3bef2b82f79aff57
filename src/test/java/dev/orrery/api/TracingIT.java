package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.config.TracingConfig;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.testing.TraceCollector;
import dev.orrery.testing.TraceCollector.Mood;
import dev.orrery.testing.TraceCollector.Seen;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a collector is sent of requests, runs and tasks. */
class TracingIT {

    private static final Duration EXPORT_LIMIT = Duration.ofSeconds(6);

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String SPAN = "b7ad6b7169203331";

    private static final String TELLS_ITS_PLACE = "echo \"\\\"$TRACEPARENT\\\"\" > $ORRERY_OUTPUT";

    @TempDir
    static Path folder;

    private static TraceCollector collector;
    private static NodeUnderTest node;

    @BeforeAll
    static void open() {
        collector = new TraceCollector();
        node = NodeUnderTest.tracing(folder, config(collector, 1));
    }

    private static TracingConfig config(TraceCollector collector, double ratio) {
        return new TracingConfig(collector.endpoint(), List.of("x-api-key=secret"), ratio, "orrery-test", EXPORT_LIMIT);
    }

    @AfterAll
    static void close() {
        node.close();
        collector.close();
    }

    @Test
    void aRunIsOneTraceFromItsRequestThroughQueueAndRetryToTheTasksOwnPlace() {
        var dag = node.publish("flaky", """
                tasks:
                  - id: a
                    type: shell
                    command: '%s; test $ORRERY_ATTEMPT = 2'
                    retry: {maxAttempts: 2, initialDelay: 50ms}
                  - {id: b, type: shell, command: 'true', dependencies: [a]}
                """.formatted(TELLS_ITS_PLACE));
        var before = Instant.now();

        var run = start(dag, "00-" + TRACE + "-" + SPAN + "-01");
        assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");

        var spans = collector.untilThereAre(12, TRACE);
        var request = one(spans, "triggerRun");
        assertThat(request.parent()).isEqualTo(SPAN);
        assertThat(request.kind()).isEqualTo("SERVER");
        assertThat(request.attributes()).containsEntry("http.response.status_code", "202");
        var whole = one(spans, "run flaky");
        assertThat(whole.parent()).isEqualTo(request.id());
        assertThat(whole.attributes()).containsEntry("orrery.run.state", "succeeded");
        assertThat(one(spans, "submit").parent()).isEqualTo(request.id());
        var attempts = named(spans, "task a");
        assertThat(attempts).hasSize(2).allSatisfy(attempt -> {
            assertThat(attempt.parent()).isEqualTo(whole.id());
            assertThat(attempt.attributes()).containsEntry("orrery.run.id", run).containsKey("orrery.node");
        });
        assertThat(attempts.getFirst().error()).contains("exit code 1");
        assertThat(attempts.getFirst().attributes()).containsEntry("orrery.outcome", "failed");
        assertThat(attempts.getLast().error()).isEmpty();
        assertThat(attempts.getLast().attributes())
                .containsEntry("orrery.attempt", "2")
                .containsEntry("orrery.outcome", "succeeded");
        assertThat(attempts.getLast().links())
                .containsExactly(attempts.getFirst().id());
        assertThat(output(node, run, "a"))
                .isEqualTo("00-" + TRACE + "-" + attempts.getLast().id() + "-01");
        assertThat(named(spans, "queue default")).hasSize(3).allSatisfy(waited -> {
            assertThat(waited.parent()).isEqualTo(whole.id());
            assertThat(Duration.ofNanos(waited.end() - waited.start())).isLessThan(Duration.ofSeconds(10));
        });
        assertThat(named(spans, "dispatch")).hasSize(3);
        assertThat(Instant.ofEpochSecond(0, whole.start())).isBetween(before.minusSeconds(1), before.plusSeconds(10));
        assertThat(whole.end()).isGreaterThanOrEqualTo(attempts.getLast().start());
        assertThat(collector.about()).containsEntry("service.name", "orrery-test");
        assertThat(collector.keys()).containsOnly("secret");
    }

    @Test
    void aRunWithoutATraceBeginsOneThatItsRequestJoins() {
        var dag = node.publish("alone", "tasks: [{id: a, type: shell, command: 'true'}]");

        var run = start(dag, "");
        node.ended(run);

        var spans = collector.untilThereAre(6, run.replace("-", ""));
        var request = one(spans, "triggerRun");
        assertThat(request.parent()).isEmpty();
        assertThat(one(spans, "submit").parent()).isEqualTo(request.id());
        assertThat(one(spans, "run alone").parent()).isEmpty();
        assertThat(one(spans, "task a").parent())
                .isEqualTo(one(spans, "run alone").id());
        assertThat(node.rows("run_traces", "run_id = '" + run + "'")).isZero();
    }

    @Test
    void aSingleTaskHasItsAttemptBelowItsSubmission() {
        var answer = node.client
                .post("/api/v1/tasks")
                .json(new JsonObject().put("type", "handler").put("handler", "echo"))
                .send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
        var submission =
                TaskInstanceId.parse(answer.json().getString("id")).runId().toString();

        var spans = collector.untilThereAre(5, submission.replace("-", ""));
        var submitted = one(spans, "submit");
        assertThat(submitted.parent()).isEqualTo(one(spans, "submitTask").id());
        assertThat(attempt(spans).parent()).isEqualTo(submitted.id());
        assertThat(one(spans, "queue default").parent()).isEqualTo(submitted.id());
    }

    @Test
    void anHttpTaskTellsItsTargetOfItsAttempt() {
        var vertx = Vertx.vertx();
        var seen = new CopyOnWriteArrayList<String>();
        try {
            var server = await(vertx.createHttpServer()
                    .requestHandler(request -> {
                        seen.add(request.getHeader("traceparent"));
                        request.response().end();
                    })
                    .listen(0, "127.0.0.1"));
            var dag = node.publish(
                    "calling",
                    "tasks: [{id: a, type: http, method: GET, url: 'http://127.0.0.1:" + server.actualPort() + "/'}]");

            var run = start(dag, "");
            node.ended(run);

            var trace = run.replace("-", "");
            var attempt = one(collector.untilThereAre(6, trace), "task a");
            assertThat(seen).containsExactly("00-" + trace + "-" + attempt.id() + "-01");
        } finally {
            await(vertx.close());
        }
    }

    @Test
    void whatItsCallerDoesNotRecordIsNotRecorded() {
        var trace = "1".repeat(32);
        var dag = node.publish("unseen", "tasks: [{id: a, type: shell, command: 'true'}]");

        node.ended(start(dag, "00-" + trace + "-" + SPAN + "-00"));
        node.ended(start(dag, "00-" + "2".repeat(32) + "-" + SPAN + "-01"));

        collector.untilThereAre(6, "2".repeat(32));
        assertThat(collector.of(trace)).isEmpty();
    }

    @Test
    void whatAnEventCausesBelongsToTheTraceOfItsPublication() {
        var handler = node.client
                .post("/api/v1/event-handlers")
                .json(new JsonObject().put("eventName", "traced").put("handlerName", "echo"))
                .send();
        assertThat(handler.status()).as(handler.body().toString()).isEqualTo(201);

        var published = node.client
                .post("/api/v1/events")
                .json(new JsonObject().put("name", "traced"))
                .send();

        assertThat(published.status()).as(published.body().toString()).isEqualTo(200);
        var execution = published
                .json()
                .getJsonArray("events")
                .getJsonObject(0)
                .getJsonArray("deliveries")
                .getJsonObject(0)
                .getString("executionId");
        var trace = node.run(execution).getString("traceId");
        var spans = collector.untilThereAre(5, trace);
        var whole = spans.stream()
                .filter(span -> span.name().startsWith("run "))
                .findFirst()
                .orElseThrow();
        assertThat(whole.parent()).isEqualTo(one(spans, "publishEvents").id());
        assertThat(whole.attributes()).containsEntry("orrery.run.trigger", "event");
        assertThat(attempt(spans).parent()).isEqualTo(whole.id());
    }

    @Test
    void eachFiringOfAJobIsATraceOfItsOwn() {
        var job = node.client
                .post("/api/v1/jobs")
                .json(new JsonObject()
                        .put("name", "traced job")
                        .put("type", "one_time")
                        .put("runAt", "2020-01-01T00:00:00Z")
                        .put("handlerName", "noop"))
                .send();
        assertThat(job.status()).as(job.body().toString()).isEqualTo(201);
        var id = job.json().getString("id");
        until("it has fired", () -> node.rows("job_executions", "job_id = '" + id + "'") == 1);
        var execution = node.value("SELECT id FROM orrery.job_executions WHERE job_id = '" + id + "'");

        var spans = collector.untilThereAre(4, execution.replace("-", ""));
        var whole = spans.stream()
                .filter(span -> span.name().startsWith("run "))
                .findFirst()
                .orElseThrow();
        assertThat(whole.parent()).isEmpty();
        assertThat(whole.attributes()).containsEntry("orrery.run.trigger", "schedule");
        assertThat(attempt(spans).parent()).isEqualTo(whole.id());
    }

    @Test
    void aRemoteWorkersAttemptStandsWhereTheWorkerWasTold() {
        var dag = node.publish("remote", "tasks: [{id: a, type: agent, handler: far}]");
        var worker = node.client
                .post("/api/v1/remote-workers")
                .json(new JsonObject().put("name", "w").put("handlers", new JsonArray().add("far")))
                .send()
                .json();
        var path = "/api/v1/remote-workers/" + worker.getString("id");
        var run = start(dag, "");

        var task = node.client
                .post(path + "/poll")
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(new JsonObject())
                .send()
                .json()
                .getJsonArray("assignments")
                .getJsonObject(0);
        var ended = node.client
                .post(path + "/claims/" + task.getString("claimId") + "/complete")
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(new JsonObject().put("output", new JsonObject()))
                .send();

        assertThat(ended.status()).as(ended.body().toString()).isEqualTo(204);
        var spans = collector.untilThereAre(5, run.replace("-", ""));
        assertThat(task.getString("traceparent")).contains("-" + attempt(spans).id() + "-");
        assertThat(attempt(spans).parent()).isEqualTo(one(spans, "run remote").id());
        assertThat(spans).filteredOn(span -> span.name().startsWith("queue ")).hasSize(1);
    }

    @Test
    void anotherNodeGoesOnWithATrace() {
        var trace = "5".repeat(32);
        var dag = node.publish(
                "handed over",
                "tasks: [{id: a, type: shell, command: 'sleep 1'}, {id: b, type: shell, command: 'true', dependencies: [a]}]");
        var run = start(dag, "00-" + trace + "-" + SPAN + "-01");
        node.untilTask(run, "a", "running");

        node.restart();

        node.ended(run);
        var spans = collector.untilThereAre(9, trace);
        assertThat(spans.stream()
                        .map(span -> span.attributes().get("orrery.node"))
                        .filter(Objects::nonNull))
                .as("nodes")
                .satisfies(nodes -> assertThat(nodes.stream().distinct()).hasSize(2));
        assertThat(one(spans, "task a").parent())
                .isEqualTo(one(spans, "task b").parent())
                .isEqualTo(one(spans, "run handed over").id());
    }

    private static Seen attempt(List<Seen> spans) {
        var found =
                spans.stream().filter(span -> span.kind().equals("CONSUMER")).toList();
        assertThat(found).as("the attempt of " + spans).hasSize(1);
        return found.getFirst();
    }

    @Test
    void aCollectorThatNeverAnswersHoldsUpNothing() {
        var dag = node.publish("unhindered", "tasks: [{id: a, type: shell, command: 'true'}]");
        collector.is(Mood.NEVER_ANSWERS);
        var asked = collector.asked();
        try {
            node.ended(start(dag, ""));
            until("it was sent something", () -> collector.asked() > asked);

            var began = System.nanoTime();
            node.ended(start(dag, ""));
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(EXPORT_LIMIT);
            until("what it did not take is counted", () -> counted("refused") > 0);
        } finally {
            collector.is(Mood.TAKES);
        }

        var run = start(dag, "");
        node.ended(run);
        collector.untilThereAre(6, run.replace("-", ""));
    }

    @Test
    void ofNewTracesNoneIsRecordedWhereNoneIsAskedFor() {
        try (var quiet = NodeUnderTest.tracing(folder.resolve("quiet"), config(collector, 0))) {
            var dag = quiet.publish("quiet", "tasks: [{id: a, type: shell, command: '" + TELLS_ITS_PLACE + "'}]");

            var unseen = quiet.trigger(dag);
            quiet.ended(unseen);
            var seen = quiet.client
                    .post(NodeUnderTest.DAGS + "/" + dag + "/runs")
                    .header("traceparent", "00-" + "3".repeat(32) + "-" + SPAN + "-01")
                    .send()
                    .json()
                    .getString("runId");
            quiet.ended(seen);

            collector.untilThereAre(6, "3".repeat(32));
            assertThat(collector.of(unseen.replace("-", ""))).isEmpty();
            assertThat(output(quiet, unseen, "a"))
                    .startsWith("00-" + unseen.replace("-", ""))
                    .endsWith("-00");
        }
    }

    private static double counted(String outcome) {
        return node.client
                .get("/metrics")
                .send()
                .body()
                .toString()
                .lines()
                .filter(line -> line.startsWith("orrery_trace_spans_total{outcome=\"" + outcome + "\"}"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private static Seen one(List<Seen> spans, String name) {
        var found = named(spans, name);
        assertThat(found).as(name + " of " + spans).hasSize(1);
        return found.getFirst();
    }

    private static List<Seen> named(List<Seen> spans, String name) {
        return spans.stream().filter(span -> span.name().equals(name)).toList();
    }

    private static String start(String dag, String traceparent) {
        var answer = node.client
                .post(NodeUnderTest.DAGS + "/" + dag + "/runs")
                .header("traceparent", traceparent)
                .send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(202);
        return answer.json().getString("runId");
    }

    private static String output(NodeUnderTest node, String run, String task) {
        return node.client
                .get(NodeUnderTest.RUNS + "/" + run + "/tasks/" + task)
                .send()
                .json()
                .getString("output");
    }
}
