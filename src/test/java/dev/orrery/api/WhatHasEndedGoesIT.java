package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every table holds what someone defined, or what goes on now, or what has ended; and of what has ended nothing is left when its time
 * is over. A table that nobody thought of is found here.
 */
class WhatHasEndedGoesIT {

    /** It is there until someone deletes it. */
    private static final Set<String> DEFINED = Set.of(
            "tenants",
            "dags",
            "dag_versions",
            "dag_tasks",
            "dag_edges",
            "jobs",
            "job_timers",
            "job_counts",
            "event_handlers",
            "webhooks",
            "limit_rules",
            "queue_settings",
            "source_weights",
            "submitters");

    /** A row for each name that was ever used of a queue or a lock: as many as people think of. */
    private static final Set<String> NAMES = Set.of("queues", "tenant_queues", "locks");

    /** One row, or one for each node, release and generation of the queue; of limits, what was set. */
    private static final Set<String> FEW = Set.of(
            "cluster",
            "compatibility",
            "leadership",
            "task_token_secret",
            "letter_alert",
            "nodes",
            "limits",
            "ready_generations");

    /** What Flyway has done. */
    private static final String MIGRATIONS = "flyway_schema_history";

    /** What has ended. */
    private static final Set<String> HISTORY = Set.of(
            "audit_log",
            "dag_runs",
            "dead_letters",
            "event_deliveries",
            "events",
            "idempotency_keys",
            "job_executions",
            "job_skips",
            "letter_redrives",
            "run_params",
            "task_attempts",
            "task_dependencies",
            "task_events",
            "task_instances",
            "task_logs",
            "task_outputs");

    /** What goes on. */
    private static final Set<String> PASSING = Set.of(
            "cancel_requests",
            "claim_batches",
            "event_pending",
            "event_throttles",
            "letter_alert_groups",
            "limit_holders",
            "lock_waits",
            "run_traces",
            "task_cascades",
            "task_parents",
            "task_ready",
            "task_revivals",
            "task_timers",
            "task_wait",
            "total_waits",
            "tree_cancels",
            "unique_keys",
            "user_submissions");

    private static final Duration CHORES = Duration.ofSeconds(90);

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

    @Test
    void ofAllThatEndedNothingIsLeftWhenItsTimeIsOver() {
        assertThat(tables())
                .as("each table has its place in this list")
                .isEqualTo(new TreeSet<>(Stream.of(DEFINED, NAMES, FEW, Set.of(MIGRATIONS), HISTORY, PASSING)
                        .flatMap(Set::stream)
                        .toList()));
        var job = runs();
        singleTasks();
        events();
        until("all has ended", () -> PASSING_WORK.stream().allMatch(table -> node.rows(table, "true") == 0));
        redrive();
        node.execute("INSERT INTO orrery.job_skips (job_id, first_at, last_at, fires, reason)"
                + " SELECT id, now(), now(), 1, 'misfire' FROM orrery.jobs LIMIT 1");
        assertThat(HISTORY)
                .as("something of each kind")
                .allSatisfy(
                        table -> assertThat(node.rows(table, "true")).as(table).isPositive());

        letTimePass();

        assertThat(Stream.of(HISTORY, PASSING).flatMap(Set::stream).filter(table -> node.rows(table, "true") > 0))
                .isEmpty();
        assertThat(node.rows("limits", "kind = 'key'")).isZero();
        assertThat(node.rows("nodes", "true")).isEqualTo(1);
        assertThat(node.rows("jobs", "type = 'one_time'")).isZero();
        assertThat(node.rows("job_counts", "job_id = '" + job + "'")).isZero();
        assertThat(node.rows("dags", "is_internal AND NOT EXISTS (SELECT FROM orrery.jobs j WHERE j.dag_id = dags.id)"))
                .isZero();
    }

    private static final List<String> PASSING_WORK =
            List.of("task_ready", "task_wait", "task_timers", "claim_batches", "event_pending");

    private static Set<String> tables() {
        return new TreeSet<>(List.of(node.value("SELECT string_agg(relname, ' ') FROM pg_class"
                        + " WHERE relkind = 'r' AND relnamespace = 'orrery'::regnamespace")
                .split(" ")));
    }

    /** Runs with params, outputs, logs and a letter, and a job that fires once; answers the job. */
    private static String runs() {
        var good = node.publish("good", """
                lock: one-at-a-time
                tasks:
                  - {id: a, type: shell, command: "echo hello; echo '::output {}'"}
                  - {id: b, type: handler, handler: noop, dependencies: [a]}
                """);
        assertThat(client.post(NodeUnderTest.DAGS + "/" + good + "/runs")
                        .header("Idempotency-Key", "once")
                        .json("{\"params\": {\"day\": 1}}")
                        .send()
                        .status())
                .isEqualTo(202);
        var bad = node.publish("bad", "tasks: [{id: a, type: shell, command: exit 3, retry: {maxAttempts: 1}}]");
        node.ended(node.trigger(bad));
        var job = client.post("/api/v1/jobs")
                .json(new JsonObject()
                        .put("name", "once")
                        .put("type", "one_time")
                        .put("runAt", "2026-01-01T00:00:00Z")
                        .put("handlerName", "noop"))
                .send();
        assertThat(job.status()).as(job.body().toString()).isEqualTo(201);
        var id = job.json().getString("id");
        until("the job is over", () -> node.rows("jobs", "id = '" + id + "' AND status = 'completed'") == 1);
        return id;
    }

    private static void singleTasks() {
        assertThat(client.put("/api/v1/limits/customer-*")
                        .json("{\"maxRunning\": 1}")
                        .send()
                        .status())
                .isEqualTo(200);
        var noop = new JsonObject().put("type", "handler").put("handler", "noop");
        var batch = new JsonArray()
                .add(noop.copy().put("ref", "first").put("uniqueKey", "u").put("concurrencyKey", "customer-1"))
                .add(noop.copy()
                        .put("dependencies", new JsonArray().add("first"))
                        .put("parentTaskId", "first"))
                .add(noop.copy()
                        .put("handler", "no-such-handler")
                        .put("name", "letter")
                        .put("maxRetries", 0));
        var reply = client.post("/api/v1/tasks/batch")
                .json(new JsonObject().put("tasks", batch))
                .send();
        assertThat(reply.status()).as(reply.body().toString()).isEqualTo(201);
        var later = client.post("/api/v1/tasks")
                .json(noop.copy().put("notBefore", "2099-01-01T00:00:00Z"))
                .send();
        assertThat(client.post("/api/v1/tasks/" + later.json().getString("id") + "/cancel")
                        .send()
                        .status())
                .isEqualTo(202);
    }

    private static void events() {
        var handler = client.post("/api/v1/event-handlers")
                .json(new JsonObject().put("eventName", "paid").put("handlerName", "echo"))
                .send();
        assertThat(handler.status()).as(handler.body().toString()).isEqualTo(201);
        var event = client.post("/api/v1/events")
                .json("{\"name\": \"paid\", \"key\": \"k\"}")
                .send();
        assertThat(event.status()).as(event.body().toString()).isEqualTo(200);
    }

    private static void redrive() {
        until("there is a letter", () -> node.rows("dead_letters", "run_id IS NULL") == 1);
        var asked = client.post("/api/v1/dead-letters/redrive")
                .json("{\"filter\": {\"name\": \"letter\"}}")
                .send();
        assertThat(asked.status()).as(asked.body().toString()).isEqualTo(202);
        until("it failed again", () -> node.rows("dead_letters", "run_id IS NULL") == 2);
        until("the redrive is over", () -> node.rows("letter_redrives", "ended_at IS NULL") == 0);
        until("executions are counted", () -> node.rows("job_executions", "outcome IS NULL") == 0);
    }

    /** The leader's chores, without their patience. */
    private static void letTimePass() {
        for (var round = 0; round < 3; round++) {
            node.value("SELECT orrery.purge_old_runs('0s', 10000)");
            node.value("SELECT orrery.purge_old_tasks('0s', 1000)");
            node.value("SELECT orrery.purge_events('0s', 1000)");
            node.value("SELECT orrery.purge_redrives('0s', 1000)");
            node.value("SELECT orrery.purge_audit('0s', 10000)");
        }
        node.execute("UPDATE orrery.limits SET tokens_at = tokens_at - interval '2 days' WHERE kind = 'key'");
        node.value("SELECT orrery.purge_idle_keys(1000)");
        node.execute("UPDATE orrery.idempotency_keys SET created_at = created_at - interval '25 hours'");
        until("keys of requests are forgotten", CHORES, () -> node.rows("idempotency_keys", "true") == 0);
        until("jobs that are over are taken apart", CHORES, () -> node.rows("jobs", "deleted_at IS NOT NULL") == 0);
        until("and what was kept for them", CHORES, () -> node.rows("dags", "deleted_at IS NOT NULL") == 0);
    }
}
