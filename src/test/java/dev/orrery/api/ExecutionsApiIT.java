package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What jobs do when they fire, as callers see it. */
class ExecutionsApiIT extends JobsApiTestBase {

    @TempDir
    private Path folder;

    @Test
    void aCronJobFiresItsFunctionOnceForEachTimeAndHandsItThePayload() {
        var job = registered(cron("ticks", "* * * * * *")
                .put("handlerName", "echo")
                .put("payload", new JsonObject().put("price", new BigDecimal("1.50"))));

        until("it succeeded twice", () -> job(job).getLong("successCount") >= 2);

        var executions = executions(job, "");
        assertThat(new HashSet<>(times(executions))).hasSameSizeAs(executions);
        assertThat(job(job).getString("nextRun")).isNotNull();
        assertThat(job(job).getString("lastRun")).isNotNull();
        assertThat(job(job).getLong("avgDurationMs")).isNotNull();
        var last = executions.getLast();
        assertThat(last.getString("status")).isEqualTo("success");
        assertThat(last.getString("triggeredBy")).isEqualTo("schedule");
        var one = client.get("/api/v1/executions/" + last.getString("id")).send();
        assertThat(one.body().toString()).contains("\"result\":{\"price\":1.50}");
        cancelled(job);
    }

    @Test
    void aJobWhoseTimeIsOverFiresAtOnceAndIsCompletedByItsExecution() {
        var job = registered(once("over").put("handlerName", "noop"));

        until("it is completed", () -> job(job).getString("status").equals("completed"));

        assertThat(times(executions(job, ""))).containsExactly("2026-01-01T00:00:00.000000Z");
        assertThat(job(job).getString("completedAt")).isNotNull();
        assertThat(job(job).getString("nextRun")).isNull();
    }

    @Test
    void aFailedExecutionIsTriedAgainByItsRetriesAndThenByHand() throws IOException {
        var flag = folder.resolve("flag");
        var job = registered(once("flags")
                .put("handlerName", "shell")
                .put("payload", new JsonObject().put("command", "test -f " + flag))
                .put("maxRetries", 1)
                .put("retryDelayMs", 10));
        until("it has failed for good", () -> job(job).getString("status").equals("failed"));
        var failed = executions(job, "?status=failed").getFirst();
        assertThat(failed.getInteger("retryCount")).isEqualTo(1);
        assertThat(failed.getString("error")).contains("exit code 1");
        assertThat(job(job).getString("error")).contains("failed");
        assertThat(job(job).getLong("failureCount")).isEqualTo(1);

        Files.createFile(flag);
        var retry = "/api/v1/executions/" + failed.getString("id") + "/retry";
        assertThat(client.post(retry).send().status()).isEqualTo(200);

        until("it has succeeded", () -> job(job).getString("status").equals("completed"));
        assertThat(job(job).getLong("failureCount")).isZero();
        assertThat(job(job).getLong("successCount")).isEqualTo(1);
        assertThat(job(job).getLong("executionsCount")).isEqualTo(1);
        assertThat(client.post(retry).send().code()).isEqualTo("CONFLICT");
    }

    @Test
    void aRecurringJobEndsWithItsLastExecution() {
        var job = registered(new JsonObject()
                .put("name", "twice")
                .put("type", "recurring")
                .put("interval", "1s")
                .put("maxExecutions", 2)
                .put("handlerName", "noop"));

        until("it is completed", () -> job(job).getString("status").equals("completed"));
        until("both are counted", () -> job(job).getLong("successCount") == 2);

        assertThat(executions(job, "")).hasSize(2);
        assertThat(next(job, 3)).isEmpty();
        assertThat(client.post(JOBS + "/" + job + "/resume").send().code()).isEqualTo("CONFLICT");
    }

    @Test
    void aWorkflowJobStartsItsDagWithThePayloadAndHoldsItAgainstDeletion() {
        var dag = node.publish("fired-by-a-job", "tasks: [{id: a, type: shell, command: 'cat $ORRERY_PARAMS'}]");
        var job = registered(once("starts")
                .put("runAt", "2099-01-01T00:00:00Z")
                .put("handlerType", "workflow")
                .put("handlerName", "fired-by-a-job")
                .put("payload", new JsonObject().put("region", "eu")));
        assertThat(client.delete(NodeUnderTest.DAGS + "/" + dag).send().json().getString("message"))
                .contains("jobs fire DAG");

        var execution = client.post(JOBS + "/" + job + "/trigger").send();

        assertThat(execution.status()).isEqualTo(202);
        assertThat(execution.json().getString("triggeredBy")).isEqualTo("api");
        var run = node.ended(execution.json().getString("id"));
        assertThat(run.getString("dagId")).isEqualTo(dag);
        assertThat(run.getJsonObject("params").getString("region")).isEqualTo("eu");
        until("it is told so", () -> executions(job, "?status=success").size() == 1);
        assertThat(client.delete(JOBS + "/" + job).send().status()).isEqualTo(204);
        until(
                "its execution is gone",
                () -> client.get(execution.header("Location")).send().status() == 404);
        assertThat(client.get(NodeUnderTest.RUNS + "/" + run.getString("runId"))
                        .send()
                        .status())
                .as("the DAG's run stays")
                .isEqualTo(200);
        assertThat(client.delete(NodeUnderTest.DAGS + "/" + dag).send().status())
                .isEqualTo(204);
    }

    @Test
    void aDeletedJobIsGoneAtOnceAndItsExecutionsFollow() {
        var job = registered(once("goes").put("handlerName", "noop"));
        until("it is completed", () -> job(job).getString("status").equals("completed"));
        var execution = executions(job, "").getFirst().getString("id");

        assertThat(client.delete(JOBS + "/" + job).send().status()).isEqualTo(204);

        assertThat(client.get(JOBS + "/" + job).send().code()).isEqualTo("JOB_NOT_FOUND");
        assertThat(client.delete(JOBS + "/" + job).send().code()).isEqualTo("JOB_NOT_FOUND");
        assertThat(client.get("/api/v1/executions/" + execution).send().code()).isEqualTo("EXECUTION_NOT_FOUND");
        until(
                "its run is gone",
                () -> client.get(NodeUnderTest.RUNS + "/" + execution).send().status() == 404);
    }

    @Test
    void whatAJobDidBeforeItWasChangedGoesAsWhatItWas() {
        var dag = node.publish("outlives-its-job", "tasks: [{id: a, type: handler, handler: noop}]");
        var other =
                registered(cron("keeps its function", FAR).put("payload", new JsonObject().put("only", "these two")));
        var job = registered(cron("was a function", FAR).put("payload", new JsonObject().put("only", "these two")));
        var asFunction = trigger(job, "as-a-function").json().getString("id");
        var change = new JsonObject()
                .put("handlerType", "workflow")
                .put("handlerName", "outlives-its-job")
                .put("payload", null);
        assertThat(client.call("PATCH", JOBS + "/" + job).json(change).send().status())
                .isEqualTo(200);
        var asDag = trigger(job, "as-a-dag").json().getString("id");
        node.ended(asFunction);
        node.ended(asDag);

        assertThat(client.delete(JOBS + "/" + other).send().status()).isEqualTo(204);
        assertThat(client.delete(JOBS + "/" + job).send().status()).isEqualTo(204);

        until(
                "the run of the function is gone",
                () -> client.get(NodeUnderTest.RUNS + "/" + asFunction).send().status() == 404);
        until(
                "its executions are gone",
                () -> items("/api/v1/executions?limit=500").stream()
                        .noneMatch(each -> each.getString("jobId").equals(job)));
        assertThat(node.run(asDag).getString("dagId")).isEqualTo(dag);
    }

    @Test
    void anotherJobsEndLeavesWhatAChangedJobDid() {
        var payload = new JsonObject().put("shared", "by two");
        var leaves = registered(cron("leaves", FAR).put("handlerName", "echo").put("payload", payload));
        var changes = registered(cron("stays", FAR).put("handlerName", "echo").put("payload", payload));
        var execution = trigger(changes, "before-its-change").json().getString("id");
        until("it succeeded", () -> execution(execution).getString("status").equals("success"));
        assertThat(client.call("PATCH", JOBS + "/" + changes)
                        .json("{\"handlerName\":\"noop\"}")
                        .send()
                        .status())
                .isEqualTo(200);

        assertThat(client.delete(JOBS + "/" + leaves).send().status()).isEqualTo(204);

        until("the other is gone for good", () -> node.jobRows(leaves) == 0);
        assertThat(node.run(execution).getString("state")).isEqualTo("succeeded");
        cancelled(changes);
    }

    @Test
    void aHistoryTellsWhatWasLeftOutAndHowTheJobDid() {
        var job = registered(cron("slow", "* * * * * *")
                .put("handlerName", "sleep")
                .put("payload", new JsonObject().put("ms", 2_300)));
        until("it left something out", () -> !executions(job, "?status=skipped").isEmpty());
        until("it succeeded", () -> !executions(job, "?status=success").isEmpty());
        cancelled(job);

        var skipped = executions(job, "?status=skipped").getFirst();
        assertThat(skipped.getString("skippedReason")).isEqualTo("overlap");
        assertThat(skipped.getInteger("skippedCount")).isPositive();
        var all = executions(job, "?limit=500");
        assertThat(times(all)).isSortedAccordingTo((one, other) -> other.compareTo(one));
        var middle = all.get(all.size() / 2).getString("scheduledAt");
        assertThat(executions(job, "?limit=500&from=" + middle).size()
                        + executions(job, "?limit=500&to=" + middle).size())
                .isEqualTo(all.size());
        assertThat(pageByPage(job))
                .isEqualTo(all.stream().map(each -> each.getString("id")).toList());
        var stats = client.get(JOBS + "/" + job + "/stats?windowHours=1").send().json();
        assertThat(stats.getLong("successes")).isPositive();
        assertThat(stats.getLong("skips")).isPositive();
        assertThat(stats.getDouble("successRate")).isEqualTo(1);
        assertThat(stats.getDouble("p99DurationMs")).isGreaterThan(2_000);
        assertThat(client.get(JOBS + "/" + job + "/executions?from=soon").send().code())
                .isEqualTo("BAD_REQUEST");
    }

    @Test
    void executionsAreListedByWhenTheyBeganAndWhenTheyWereMade() {
        var job = registered(once("long ago").put("handlerName", "noop"));
        until("it is completed", () -> job(job).getString("status").equals("completed"));
        var first = executions(job, "").getFirst();
        var second = trigger(job, "again").json().getString("id");
        until("it succeeded", () -> execution(second).getString("status").equals("success"));
        var third = trigger(job, "once-more").json().getString("id");
        until("all have begun", () -> executions(job, "?by=startedAt").size() == 3);
        var begun = execution(second).getString("startedAt");
        var made = execution(second).getString("createdAt");
        var newestFirst = List.of(third, second, first.getString("id"));

        assertThat(ids(executions(job, "?by=startedAt"))).isEqualTo(newestFirst);
        assertThat(ids(executions(job, "?by=startedAt&from=" + begun))).containsExactly(third, second);
        assertThat(ids(executions(job, "?by=startedAt&to=" + begun))).containsExactly(first.getString("id"));
        assertThat(ids(executions(job, "?by=createdAt&to=" + made + "&status=success")))
                .containsExactly(first.getString("id"));
        assertThat(pageByPage(job, "&by=startedAt")).isEqualTo(newestFirst);
        assertThat(pageByPage(job, "&by=createdAt")).isEqualTo(newestFirst);
        for (var by : List.of("startedAt", "createdAt")) {
            var range = "by=" + by + "&from=" + execution(second).getString(by) + "&to="
                    + execution(third).getString(by);
            assertThat(ids(items("/api/v1/executions?limit=500&" + range)))
                    .contains(second)
                    .doesNotContain(third, first.getString("id"));
        }
        assertThat(executions(job, "?from=" + first.getString("createdAt")))
                .as("one was due long before")
                .hasSize(2);
    }

    @Test
    void anExecutionThatHasBegunIsFoundBeforeItEnds() {
        var job = registered(
                once("takes its time").put("handlerName", "sleep").put("payload", new JsonObject().put("ms", 60_000)));

        until("it is listed", () -> !executions(job, "?by=startedAt").isEmpty());

        var listed = executions(job, "?by=startedAt").getFirst();
        assertThat(listed.getString("status")).isEqualTo("running");
        assertThat(executions(job, "?by=startedAt&status=failed")).isEmpty();
        assertThat(executions(job, "?by=startedAt&status=running&from=" + listed.getString("startedAt")))
                .hasSize(1);
        cancelled(job);
    }

    @Test
    void whatWasLeftOutIsToldByItsJobAndByDueTimesAlone() {
        var job = registered(cron("left out", FAR));

        for (var query : List.of(
                "/api/v1/executions?status=skipped",
                JOBS + "/" + job + "/executions?status=skipped&by=startedAt",
                JOBS + "/" + job + "/executions?by=lunchTime")) {
            assertThat(client.get(query).send().code()).as(query).isEqualTo("BAD_REQUEST");
        }
    }

    @Test
    void executionsOfAllJobsAreReadTogether() {
        var one = registered(once("together 1").put("handlerName", "noop"));
        var other = registered(once("together 2").put("handlerName", "noop"));
        until(
                "both ended",
                () -> job(one).getString("status").equals("completed")
                        && job(other).getString("status").equals("completed"));

        var found =
                items("/api/v1/executions?status=success&from=2025-12-31T00:00:00Z&to=2026-01-02T00:00:00Z&limit=500");

        assertThat(found.stream().map(each -> each.getString("jobId"))).contains(one, other);
        assertThat(times(found)).containsOnly("2026-01-01T00:00:00.000000Z");
    }

    @Test
    void theSchedulerTellsWhatFiresAndHowLate() {
        var job = registered(cron("counted", "* * * * * *"));
        until("it succeeded", () -> job(job).getLong("successCount") > 0);

        var metrics =
                client.get("/api/v1/scheduler/metrics?windowMinutes=1").send().json();

        assertThat(metrics.getLong("successes")).isPositive();
        assertThat(metrics.getDouble("executionsPerSecond")).isPositive();
        // What was prepared before its time is not late at all.
        assertThat(metrics.getDouble("maxLagMs")).isBetween(0.0, 60_000.0);
        assertThat(metrics.getJsonArray("jobs").stream()
                        .map(JsonObject.class::cast)
                        .filter(each -> each.getString("status").equals("active")
                                && each.getString("type").equals("cron"))
                        .mapToLong(each -> each.getLong("count")))
                .singleElement()
                .satisfies(count -> assertThat(count).isPositive());
        cancelled(job);
    }
}
