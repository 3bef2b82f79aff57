package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.config.TracingConfig;
import dev.orrery.testing.TraceCollector;
import dev.orrery.testing.TraceCollector.Seen;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a collector is sent of runs and attempts that end otherwise than by a result of their worker. */
class TracesOfEndsIT {

    @TempDir
    static Path folder;

    private static TraceCollector collector;
    private static NodeUnderTest node;

    @BeforeAll
    static void open() {
        collector = new TraceCollector();
        node = NodeUnderTest.tracing(
                folder, new TracingConfig(collector.endpoint(), List.of(), 1, "orrery-test", Duration.ofSeconds(2)));
    }

    @AfterAll
    static void close() {
        node.close();
        collector.close();
    }

    @Test
    void aRunThatACancelEndsHasOneSpanHoweverOftenItIsCancelled() {
        var run = node.trigger(node.publish("waiting", "tasks: [{id: a, type: agent, handler: nobody}]"));

        cancel(run);
        var spans = collector.untilThereAre(3, trace(run));
        cancel(run);
        var later = node.trigger(node.publish("after it", "tasks: [{id: a, type: handler, handler: noop}]"));
        collector.untilThereAre(6, trace(later));

        var whole = one(spans, "run waiting");
        assertThat(whole.attributes()).containsEntry("orrery.run.state", "cancelled");
        assertThat(whole.error()).isEqualTo("the run cancelled");
        assertThat(named(collector.of(trace(run)), "run waiting")).hasSize(1);
    }

    @Test
    void anAttemptThatIsLostWithItsWorkerIsRecordedByWhoeverGivesTheWorkerUp() {
        var run = node.trigger(node.publish("lost", "tasks: [{id: a, name: first, type: agent, handler: lose}]"));
        poll(register("lose", 2_000));

        collector.untilThereAre(4, trace(run));
        var second = register("lose", 60_000);
        complete(second, poll(second));

        var spans = collector.untilThereAre(7, trace(run));
        var attempts = named(spans, "task first");
        assertThat(attempts).hasSize(2).allSatisfy(attempt -> {
            assertThat(attempt.kind()).isEqualTo("CONSUMER");
            assertThat(attempt.parent()).isEqualTo(one(spans, "run lost").id());
            assertThat(attempt.attributes())
                    .containsEntry("orrery.run.id", run)
                    .containsEntry("orrery.dag.name", "lost")
                    .containsEntry("orrery.task.id", "a")
                    .containsEntry("orrery.task.type", "agent")
                    .containsEntry("orrery.tenant", "default")
                    .containsKeys("orrery.node", "orrery.fence");
        });
        assertThat(attempts.getFirst().error())
                .startsWith("lost: node ")
                .endsWith(" was given up while the attempt ran");
        assertThat(attempts.getFirst().attributes())
                .containsEntry("orrery.outcome", "lost")
                .containsEntry("orrery.attempt", "1");
        assertThat(Duration.ofNanos(
                        attempts.getFirst().end() - attempts.getFirst().start()))
                .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(30));
        assertThat(attempts.getLast().attributes()).containsEntry("orrery.outcome", "succeeded");
        assertThat(attempts.getLast().links())
                .containsExactly(attempts.getFirst().id());
    }

    @Test
    void anAttemptThatARemoteWorkerKeepsBeyondItsTimeIsRecordedAndSoIsItsRun() {
        var run = node.trigger(node.publish(
                "overdue", "tasks: [{id: a, type: agent, handler: linger, timeout: 1s, retry: {maxAttempts: 1}}]"));
        poll(register("linger", 60_000));

        var spans = collector.untilThereAre(5, trace(run));
        assertThat(one(spans, "run overdue").attributes()).containsEntry("orrery.run.state", "failed");
        var attempt = one(spans, "task a");
        assertThat(attempt.attributes()).containsEntry("orrery.outcome", "timed_out");
        assertThat(attempt.error()).isNotEmpty();
    }

    @Test
    void anAttemptThatADrainHandsBackHasASpanOfItsOwn() {
        var dag = node.publish(
                "drained", "tasks: [{id: a, type: shell, command: 'test $ORRERY_ATTEMPT = 2 || sleep 60'}]");
        var run = node.trigger(dag);
        node.untilTask(run, "a", "running");

        node.restart();

        node.ended(run);
        var spans = collector.untilThereAre(9, trace(run));
        var attempts = named(spans, "task a");
        assertThat(attempts).hasSize(2);
        assertThat(attempts.getFirst().attributes()).containsEntry("orrery.outcome", "handed_back");
        assertThat(attempts.getFirst().error()).isEmpty();
        assertThat(attempts.getLast().links())
                .containsExactly(attempts.getFirst().id());
        assertThat(one(spans, "run drained").attributes()).containsEntry("orrery.run.state", "succeeded");
    }

    private static void cancel(String run) {
        var answer =
                node.client.post(NodeUnderTest.RUNS + "/" + run + "/cancel").send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(202);
    }

    private static JsonObject register(String handler, int leaseMs) {
        return node.client
                .post("/api/v1/remote-workers")
                .json(new JsonObject()
                        .put("name", "w")
                        .put("leaseMs", leaseMs)
                        .put("handlers", new JsonArray().add(handler)))
                .send()
                .json();
    }

    private static JsonObject poll(JsonObject worker) {
        return node.client
                .post("/api/v1/remote-workers/" + worker.getString("id") + "/poll")
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(new JsonObject())
                .send()
                .json()
                .getJsonArray("assignments")
                .getJsonObject(0);
    }

    private static void complete(JsonObject worker, JsonObject assignment) {
        var answer = node.client
                .post("/api/v1/remote-workers/" + worker.getString("id") + "/claims/" + assignment.getString("claimId")
                        + "/complete")
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(new JsonObject().put("output", new JsonObject()))
                .send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(204);
    }

    private static String trace(String run) {
        return run.replace("-", "");
    }

    private static Seen one(List<Seen> spans, String name) {
        var found = named(spans, name);
        assertThat(found).as(name + " of " + spans).hasSize(1);
        return found.getFirst();
    }

    private static List<Seen> named(List<Seen> spans, String name) {
        return spans.stream().filter(span -> span.name().equals(name)).toList();
    }
}
