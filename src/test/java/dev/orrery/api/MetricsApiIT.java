package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Promtool;
import dev.orrery.testing.Proxy;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a node tells Prometheus. */
class MetricsApiIT {

    private Proxy network;
    private NodeUnderTest node;

    @TempDir
    private Path folder;

    @BeforeEach
    void start() {
        node = new NodeUnderTest(folder, this::throughTheNetwork);
    }

    private String throughTheNetwork(TestDatabase database) {
        try {
            network = new Proxy(database.host(), database.port());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return database.url().replace(":" + database.port() + "/", ":" + network.port() + "/");
    }

    @AfterEach
    void stop() throws IOException {
        network.pass();
        node.close();
        network.close();
    }

    @Test
    void everyMetricIsShownAndPrometheusUnderstandsThem() throws Exception {
        node.client
                .call("PUT", "/api/v1/queues/narrow")
                .json(new JsonObject("{\"maxRunning\": 2, \"rate\": {\"limit\": 60, \"per\": \"60s\"}}"))
                .send();

        var text = scrape();

        // Spans are counted by nodes that trace, alerts by nodes that have whom to tell, invariants are looked at in
        // turn.
        for (var metric : EnumSet.complementOf(EnumSet.of(
                Metric.TRACE_SPANS,
                Metric.TRACE_QUEUE,
                Metric.LETTER_ALERTS,
                Metric.LETTER_ALERT_FAILING,
                Metric.INVARIANTS_BROKEN))) {
            assertThat(text)
                    .contains("# TYPE " + metric.shownName() + " ")
                    .contains("# HELP " + metric.shownName() + " ");
        }
        assertThat(value(text, "orrery_queue_max_running_tasks{queue=\"narrow\"}"))
                .isEqualTo(2);
        assertThat(value(text, "orrery_queue_running_tasks{queue=\"narrow\"}")).isZero();
        assertThat(value(text, "orrery_queue_rate_limit{queue=\"narrow\"}")).isEqualTo(1);
        var file = Files.writeString(folder.resolve("metrics.txt"), text);
        assertThat(Promtool.complaints(file, "check", "metrics")).isEmpty();
    }

    @Test
    void whatTasksDoIsCountedOnce() {
        var dag = node.publish("work", """
                tasks:
                  - { id: good, type: handler, handler: noop }
                  - { id: slow, type: handler, handler: sleep, input: { ms: 300 } }
                  - id: bad
                    type: shell
                    command: exit 3
                    retry: { maxAttempts: 2, initialDelay: 100ms }
                """);

        node.ended(node.trigger(dag));

        until(
                "all is committed and counted",
                () -> value(scrape(), "orrery_task_dead_letters_total{reason=\"failed\"}") == 1);
        var text = scrape();
        assertThat(value(text, "orrery_task_ended_total{state=\"succeeded\"}")).isEqualTo(2);
        assertThat(value(text, "orrery_task_ended_total{state=\"failed\"}")).isEqualTo(1);
        assertThat(value(text, "orrery_task_retries_total{reason=\"failed\"}")).isEqualTo(1);
        assertThat(value(text, "orrery_task_attempts_seconds_count{outcome=\"succeeded\"}"))
                .isEqualTo(2);
        assertThat(value(text, "orrery_task_attempts_seconds_sum{outcome=\"succeeded\"}"))
                .isBetween(0.3, 5.0);
        assertThat(value(text, "orrery_task_attempts_seconds_count{outcome=\"failed\"}"))
                .isEqualTo(2);
        assertThat(value(text, "orrery_task_claim_wait_seconds_count")).isEqualTo(4);
        assertThat(value(text, "orrery_task_start_delay_seconds_count{kind=\"run\"}"))
                .isEqualTo(3);
        assertThat(value(text, "orrery_task_start_delay_seconds_sum{kind=\"run\"}"))
                .isBetween(0.0, 10.0);
        assertThat(value(text, "orrery_task_claims_total")).isEqualTo(4);
        assertThat(value(text, "orrery_router_claim_batch_tasks_sum")).isEqualTo(4);
        assertThat(value(text, "orrery_bus_messages_total")).isPositive();
        assertThat(value(text, "orrery_bus_pending")).isLessThan(10);
        assertThat(value(text, "orrery_worker_slots")).isEqualTo(8);
        until("the dead letter is read", () -> value(scrape(), "orrery_dead_letters") == 1);
    }

    @Test
    void howLongATaskWaitsIsMeasuredFromWhenItWasReady() {
        submit("later");
        until("the queue is there", () -> value(scrape(), "orrery_task_ready_wait_seconds_count") == 1);
        node.client.call("POST", "/api/v1/queues/later/pause").send();
        var quick = value(scrape(), "orrery_task_ready_wait_seconds_sum");

        var task = submit("later");
        var since = System.nanoTime();
        until("it has waited", () -> System.nanoTime() - since > 1_500_000_000L);
        node.client.call("POST", "/api/v1/queues/later/resume").send();

        until("it has begun", () -> value(scrape(), "orrery_task_ready_wait_seconds_count") == 2);
        // It is counted a moment before it is stored.
        until(
                "it is stored",
                () -> node.rows("task_attempts", "task_id = '" + task + "' AND started_at IS NOT NULL") == 1);
        var ready = "SELECT extract(epoch FROM a.started_at - i.created_at) FROM orrery.task_attempts a"
                + " JOIN orrery.task_instances i ON i.id = a.task_id WHERE i.id = '" + task + "'";
        assertThat(quick).isBetween(0.0, 1.4);
        assertThat(value(scrape(), "orrery_task_ready_wait_seconds_sum") - quick)
                .isCloseTo(Double.parseDouble(node.value(ready)), within(0.2))
                .isGreaterThan(1.4);
        assertThat(value(scrape(), "orrery_task_claim_wait_seconds_sum")).isLessThan(1);
    }

    @Test
    void theWaitOfWhatRemoteWorkersDoIsMeasuredOnceForEachTimeThatATaskIsGiven() {
        var worker = node.client
                .post("/api/v1/remote-workers")
                .json(new JsonObject("{\"name\": \"w\", \"handlers\": [\"far\"]}"))
                .send()
                .json();
        var path = "/api/v1/remote-workers/" + worker.getString("id");
        var run = node.trigger(node.publish("remote", "tasks: [{id: a, type: agent, handler: far}]"));
        var since = System.nanoTime();
        until("it has waited", () -> System.nanoTime() - since > 1_200_000_000L);

        var first = poll(path, worker.getString("token"));
        // It knows nothing of the first answer, and is told it again.
        var again = poll(path, worker.getString("token"));
        var ended = node.client
                .post(path + "/claims/" + again + "/complete")
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(new JsonObject().put("output", new JsonObject()))
                .send();

        assertThat(again).isEqualTo(first);
        assertThat(ended.status()).isEqualTo(204);
        node.ended(run);
        var text = scrape();
        assertThat(value(text, "orrery_task_ready_wait_seconds_count")).isEqualTo(1);
        assertThat(value(text, "orrery_task_ready_wait_seconds_sum")).isBetween(1.1, 10.0);
        assertThat(value(text, "orrery_task_start_delay_seconds_count{kind=\"run\"}"))
                .isEqualTo(1);
        assertThat(value(text, "orrery_task_start_delay_seconds_sum{kind=\"run\"}"))
                .isBetween(1.1, 10.0);
    }

    private String poll(String path, String token) {
        return node.client
                .post(path + "/poll")
                .header("Orrery-Worker-Token", token)
                .json(new JsonObject())
                .send()
                .json()
                .getJsonArray("assignments")
                .getJsonObject(0)
                .getString("claimId");
    }

    private String submit(String queue) {
        return node.client
                .post("/api/v1/tasks")
                .json(new JsonObject()
                        .put("type", "handler")
                        .put("handler", "noop")
                        .put("queue", queue))
                .send()
                .json()
                .getString("id");
    }

    @Test
    void aScrapeAnswersAtOnceWhileTheDatabaseIsSilent() {
        until("the database was read", () -> value(scrape(), "orrery_metrics_reading_up{reading=\"tasks\"}") == 1);

        network.blackHole();

        until("it is told that it cannot be read", () -> {
            var begun = System.nanoTime();
            var text = scrape();
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(3));
            assertThat(text).contains("orrery_worker_slots 8.0");
            return value(text, "orrery_metrics_reading_up{reading=\"tasks\"}") == 0
                    && !text.contains("\norrery_tasks{")
                    && !text.contains("\norrery_queue_ready_tasks{");
        });

        network.pass();
        until("it is read again", () -> value(scrape(), "orrery_metrics_reading_up{reading=\"tasks\"}") == 1);
        assertThat(scrape()).contains("orrery_tasks{state=\"ready\"} 0.0");
    }

    @Test
    void theDatabaseIsNotReadForEveryScrape() {
        for (var n = 0; n < 20; n++) {
            scrape();
        }

        assertThat(value(scrape(), "orrery_metrics_readings_seconds_count{reading=\"tasks\"}"))
                .isLessThan(5);
    }

    private String scrape() {
        return node.client.get("/metrics").send().body().toString();
    }

    private static double value(String text, String series) {
        var line = Pattern.compile("^" + Pattern.quote(series) + " (\\S+)$", Pattern.MULTILINE)
                .matcher(text);
        return line.find() ? Double.parseDouble(line.group(1)) : Double.NaN;
    }
}
