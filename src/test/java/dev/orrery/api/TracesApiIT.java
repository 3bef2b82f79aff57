package dev.orrery.api;

import static dev.orrery.testing.Await.await;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TraceContext;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** A trace goes from whoever asks through runs and jobs to what tasks see of it. */
class TracesApiIT extends JobsApiTestBase {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String SPAN = "b7ad6b7169203331";
    private static final String GIVEN = "00-" + TRACE + "-" + SPAN + "-00";
    private static final String SHELL =
            "tasks: [{id: a, type: shell, command: 'echo \"\\\"$TRACEPARENT\\\"\" > $ORRERY_OUTPUT'}]";

    @Test
    void aRunHandsTheTraceThatItIsGivenToItsTasks() {
        var dag = node.publish("traced", SHELL);

        var started = start(dag, GIVEN);

        assertThat(started.getString("traceId")).isEqualTo(TRACE);
        assertThat(started.getString("parentSpanId")).isEqualTo(SPAN);
        var id = started.getString("runId");
        var run = node.ended(id);
        assertThat(run.getString("traceId")).isEqualTo(TRACE);
        assertThat(run.getString("spanId")).isEqualTo(started.getString("spanId"));
        assertThat(run.getString("parentSpanId")).isEqualTo(SPAN);
        var attempt = TraceContext.ofAttempt(TaskInstanceId.of(RunId.parse(id), 1), 1, TraceContext.parse(GIVEN));
        var task = task(id);
        assertThat(task.getString("output")).isEqualTo(attempt.traceparent());
        assertThat(task.getJsonArray("attempts").getJsonObject(0).getString("spanId"))
                .isEqualTo(attempt.spanIdText());
        assertThat(items(NodeUnderTest.RUNS, id).getString("traceId")).isEqualTo(TRACE);
        assertThat(client.delete(NodeUnderTest.RUNS + "/" + id).send().status()).isEqualTo(204);
        assertThat(node.rows("run_traces", "run_id = '" + id + "'")).isZero();
    }

    @Test
    void aTraceThatIsNotValidOrGivenTwiceIsAsIfThereWereNone() {
        var dag = node.publish("untraced", SHELL);

        for (var header : List.of("", "nonsense", "00-" + TRACE + "-0000000000000000-01", GIVEN + "\u00e9")) {
            var run = start(dag, header);

            assertThat(run.getString("traceId")).isEqualTo(ownTrace(run.getString("runId")));
            assertThat(run.getString("parentSpanId")).isNull();
        }
        var twice = client.post(NodeUnderTest.DAGS + "/" + dag + "/runs")
                .header("traceparent", GIVEN)
                .header("traceparent", GIVEN)
                .send()
                .json()
                .getString("runId");
        var run = node.ended(twice);
        assertThat(run.getString("traceId")).isEqualTo(ownTrace(twice));
        assertThat(task(twice).getString("output"))
                .isEqualTo(TraceContext.ofAttempt(TaskInstanceId.of(RunId.parse(twice), 1), 1, Optional.empty())
                        .traceparent());
        assertThat(node.rows("run_traces", "run_id = '" + twice + "'")).isZero();
    }

    @Test
    void aRequestOfATaskTellsTheTraceUnlessTheTaskSaysOtherwise() {
        var vertx = Vertx.vertx();
        var seen = new CopyOnWriteArrayList<String>();
        try {
            var server = await(vertx.createHttpServer()
                    .requestHandler(request -> {
                        seen.addAll(request.headers().getAll("traceparent"));
                        request.response().end();
                    })
                    .listen(0, "127.0.0.1"));
            var request = "type: http, method: GET, url: 'http://127.0.0.1:" + server.actualPort() + "/'";
            var dag = node.publish(
                    "calls",
                    "tasks: [{id: a, " + request + "}, {id: b, " + request
                            + ", headers: {Traceparent: mine}, dependencies: [a]}]");

            var run = start(dag, GIVEN).getString("runId");

            assertThat(node.ended(run).getString("state")).isEqualTo("succeeded");
            var attempt = TraceContext.ofAttempt(TaskInstanceId.of(RunId.parse(run), 1), 1, TraceContext.parse(GIVEN));
            assertThat(seen).containsExactly(attempt.traceparent(), "mine");
        } finally {
            await(vertx.close());
        }
    }

    @Test
    void whatAJobIsGivenIsTheTraceOfItsExecutionsUnlessOneIsGivenItsOwn() {
        var answer = client.post(JOBS)
                .header("traceparent", GIVEN)
                .json(once("traced"))
                .send()
                .json();
        var job = answer.getString("id");
        assertThat(answer.getString("traceId")).isEqualTo(TRACE);
        until("it is completed", () -> job(job).getString("status").equals("completed"));
        var other = "00-11111111111111111111111111111111-2222222222222222-01";

        var own = client.post(JOBS + "/" + job + "/trigger")
                .header("traceparent", other)
                .send()
                .json();
        var inherited = trigger(job, "inherited").json();

        assertThat(own.getString("traceId")).isEqualTo("1".repeat(32));
        assertThat(own.getString("parentSpanId")).isEqualTo("2".repeat(16));
        assertThat(inherited.getString("traceId")).isEqualTo(TRACE);
        assertThat(ofTrace("1".repeat(32))).containsExactly(own.getString("id"));
        assertThat(ofTrace(TRACE)).hasSize(2).contains(inherited.getString("id"));
        var first =
                client.get("/api/v1/executions?limit=1&traceId=" + TRACE).send().json();
        assertThat(ids(first.getJsonArray("items"))).containsExactly(inherited.getString("id"));
        assertThat(ids(client.get("/api/v1/executions?traceId=" + TRACE + "&cursor=" + first.getString("nextCursor"))
                        .send()
                        .json()
                        .getJsonArray("items")))
                .hasSize(1)
                .doesNotContain(inherited.getString("id"));
        assertThat(ofTrace(TRACE + "&status=failed")).isEmpty();
    }

    @Test
    void anExecutionWithoutATraceIsFoundByTheOneWithItsId() {
        var job = registered(cron("untraced", FAR));

        var execution = trigger(job, "untraced").json();

        var id = execution.getString("id");
        assertThat(execution.getString("traceId")).isEqualTo(ownTrace(id));
        assertThat(execution.getString("spanId")).hasSize(16);
        assertThat(execution.getString("parentSpanId")).isNull();
        assertThat(ofTrace(ownTrace(id))).containsExactly(id);
        assertThat(client.get("/api/v1/executions?traceId=" + ownTrace(id).toUpperCase(java.util.Locale.ROOT))
                        .send()
                        .code())
                .isEqualTo("BAD_REQUEST");
    }

    @Test
    void runsAreFoundByTheirTraceAndThoseWithoutByTheirOwn() {
        var trace = "3".repeat(32);
        var given = "00-" + trace + "-" + SPAN + "-01";
        var dag = node.publish("found by its trace", SHELL);
        var other = node.publish("found beside it", SHELL);
        var first = start(dag, given).getString("runId");
        var second = start(other, given).getString("runId");
        var without = start(dag, "").getString("runId");
        var job = registered(once("found too").put("runAt", "2099-01-01T00:00:00Z"));
        var fired = client.post(JOBS + "/" + job + "/trigger")
                .header("traceparent", given)
                .send()
                .json()
                .getString("id");

        assertThat(runsOf("?traceId=" + trace)).containsExactly(fired, second, first);
        assertThat(runsOf("?traceId=" + trace + "&limit=1&offset=1")).containsExactly(second);
        assertThat(runsOf("?traceId=" + ownTrace(without))).containsExactly(without);
        assertThat(runsOf("?traceId=" + ownTrace(first)))
                .as("it has another trace")
                .isEmpty();
        node.ended(first);
        assertThat(runsOf("?state=succeeded&traceId=" + trace)).contains(first);
        assertThat(runsOf("?state=failed&traceId=" + trace)).isEmpty();
        assertThat(client.get(NodeUnderTest.DAGS + "/" + dag + "/runs?traceId=" + trace).send().array().stream()
                        .map(run -> ((JsonObject) run).getString("runId")))
                .containsExactly(first);
        assertThat(client.get(NodeUnderTest.RUNS + "?traceId=" + without).send().code())
                .isEqualTo("BAD_REQUEST");
    }

    @Test
    void runsOfATraceAreThoseOfTheCallersTenant() {
        var trace = "4".repeat(32);
        var dag = node.publish("mine alone", SHELL);
        var run = start(dag, "00-" + trace + "-" + SPAN + "-01").getString("runId");
        assertThat(client.post("/api/v1/tenants")
                        .json(new JsonObject().put("name", "strangers"))
                        .send()
                        .status())
                .isEqualTo(201);

        for (var id : List.of(trace, ownTrace(run))) {
            assertThat(client.get(NodeUnderTest.RUNS + "?traceId=" + id)
                            .header("Orrery-Tenant", "strangers")
                            .send()
                            .array())
                    .isEmpty();
        }
    }

    private static List<String> runsOf(String query) {
        return client.get(NodeUnderTest.RUNS + query).send().array().stream()
                .map(run -> ((JsonObject) run).getString("runId"))
                .toList();
    }

    private static JsonObject start(String dag, String traceparent) {
        var answer = client.post(NodeUnderTest.DAGS + "/" + dag + "/runs")
                .header("traceparent", traceparent)
                .send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(202);
        return answer.json();
    }

    private static JsonObject task(String run) {
        return client.get(NodeUnderTest.RUNS + "/" + run + "/tasks/a").send().json();
    }

    private static JsonObject items(String uri, String run) {
        return client.get(uri + "?limit=500").send().array().stream()
                .map(JsonObject.class::cast)
                .filter(each -> each.getString("runId").equals(run))
                .findFirst()
                .orElseThrow();
    }

    private static List<String> ofTrace(String query) {
        return ids(
                client.get("/api/v1/executions?traceId=" + query).send().json().getJsonArray("items"));
    }

    private static String ownTrace(String run) {
        return run.replace("-", "");
    }
}
