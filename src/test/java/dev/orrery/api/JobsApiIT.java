package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs as callers register, see and change them, on a node that fires them. */
class JobsApiIT {

    private static final String JOBS = "/api/v1/jobs";
    private static final String NOBODY = "01980f6e-7000-7000-8b2d-5f3100000000";
    private static final String PAST = "2026-01-01T00:00:00Z";
    private static final String FAR = "0 0 1 1 *";

    private static NodeUnderTest node;
    private static ApiClient client;

    @TempDir
    private Path folder;

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
    void whatIsWrongIsToldAtOnceWithItsPlaceAndRegistersNothing() {
        assertThat(problems(cron("bad", "61 * * * *")
                        .put("timezone", "Mars")
                        .put("startAt", "2030-01-01T00:00:00Z")
                        .put("endAt", "2029-01-01T00:00:00Z")))
                .containsExactlyInAnyOrder("timezone BAD_TIMEZONE", "schedule BAD_CRON", "endAt OUT_OF_RANGE");
        assertThat(problems(cron("bad", FAR).put("runAt", PAST).put("interval", "1s")))
                .containsExactlyInAnyOrder("runAt CONFLICTING_FIELDS", "interval CONFLICTING_FIELDS");
        assertThat(problems(new JsonObject()
                        .put("name", "bad")
                        .put("type", "one_time")
                        .put("handlerName", "noop")))
                .containsExactly("runAt MISSING_FIELD");
        assertThat(problems(
                        new JsonObject().put("name", "bad").put("type", "cron").put("handlerName", "noop")))
                .containsExactly("schedule MISSING_FIELD");
        assertThat(problems(new JsonObject()
                        .put("name", "bad")
                        .put("type", "recurring")
                        .put("handlerName", "noop")))
                .containsExactly("interval MISSING_FIELD");
        assertThat(problems(cron("bad", FAR).put("excludedDates", new JsonArray().add("2026-02-30"))))
                .containsExactly("excludedDates[0] INVALID_VALUE");
        assertThat(problems(once("bad").put("runAt", "tomorrow"))).containsExactly("runAt INVALID_VALUE");
        assertThat(problems(cron("bad", FAR).put("endAt", PAST))).containsExactly("endAt INVALID_VALUE");
        assertThat(problems(once("bad")
                        .put("handlerName", "shell")
                        .put("payload", new JsonObject().put("comand", "x").put("env", 1))))
                .contains("payload.comand UNKNOWN_FIELD", "payload.command MISSING_FIELD", "payload.env WRONG_TYPE");
        assertThat(problems(once("bad").put("handlerName", "shell").put("payload", new JsonObject().put("id", "x"))))
                .containsExactly("payload.id UNKNOWN_FIELD");
        assertThat(problems(once("bad").put("handlerName", "a b"))).containsExactly("handlerName BAD_HANDLER");
        assertThat(problems(cron("bad", FAR).put("shedule", "x"))).containsExactly("shedule UNKNOWN_FIELD");
        var workflow = once("bad").put("handlerType", "workflow").put("handlerName", "nowhere");
        assertThat(client.post(JOBS).json(workflow).send().code()).isEqualTo("HANDLER_NOT_FOUND");
        assertThat(list("?text=bad")).isEmpty();
    }

    @Test
    void aPausedJobFiresNothingByItselfAndACancelledOneNeverAgain() {
        var job = registered(
                cron("stops", FAR).put("handlerName", "sleep").put("payload", new JsonObject().put("ms", 60_000)));

        for (var times = 0; times < 2; times++) {
            assertThat(client.post(JOBS + "/" + job + "/pause").send().json().getString("status"))
                    .isEqualTo("paused");
        }
        assertThat(job(job).getString("nextRun")).isNull();
        var execution = client.post(JOBS + "/" + job + "/trigger").send().json().getString("id");
        assertThat(client.post(JOBS + "/" + job + "/resume").send().json().getString("status"))
                .isEqualTo("active");
        until("it runs", () -> execution(execution).getString("status").equals("running"));
        assertThat(executions(job, "?status=running")).hasSize(1);
        assertThat(executions(job, "?status=pending")).isEmpty();
        assertThat(client.post(JOBS + "/" + job + "/cancel").send().json().getString("status"))
                .isEqualTo("cancelled");
        assertThat(execution(execution).getString("status")).isEqualTo("running");

        cancelled(job);

        until(
                "its execution has ended",
                () -> execution(execution).getString("status").equals("cancelled"));
        until("that is noted", () -> executions(job, "?status=cancelled").size() == 1);
        assertThat(client.post(JOBS + "/" + job + "/pause").send().code()).isEqualTo("CONFLICT");
        assertThat(client.call("PATCH", JOBS + "/" + job)
                        .json("{\"name\":\"x\"}")
                        .send()
                        .code())
                .isEqualTo("CONFLICT");
    }

    @Test
    void aChangeKeepsWhatItDoesNotNameAndTakesAwayWhatIsNull() {
        var job = registered(cron("changes", "0 6 * * *")
                .put("timezone", "Europe/Berlin")
                .put("tags", new JsonArray().add("a"))
                .put("metadata", new JsonObject().put("n", new BigDecimal("1.50")))
                .put("maxExecutions", 7)
                .put("priority", "high"));
        until("it is planned", () -> job(job).getString("nextRun") != null);

        var changed = client.call("PATCH", JOBS + "/" + job)
                .json("{\"schedule\":\"0 7 * * *\",\"tags\":null,\"maxExecutions\":null,\"name\":\"changed\"}")
                .send();

        assertThat(changed.status()).isEqualTo(200);
        assertThat(changed.body().toString()).contains("\"metadata\":{\"n\":1.50}");
        var now = changed.json();
        assertThat(now.getString("name")).isEqualTo("changed");
        assertThat(now.getString("timezone")).isEqualTo("Europe/Berlin");
        assertThat(now.getString("priority")).isEqualTo("high");
        assertThat(now.getJsonArray("tags")).isEmpty();
        assertThat(now.getInteger("maxExecutions")).isNull();
        until(
                "it is planned anew",
                () -> String.valueOf(job(job).getString("nextRun")).matches(".*T0[56]:00:00.*"));
        assertThat(client.call("PATCH", JOBS + "/" + job)
                        .json("{\"schedule\":\"x\"}")
                        .send()
                        .problem()
                        .getString("code"))
                .isEqualTo("BAD_CRON");
        assertThat(job(job).getString("schedule")).isEqualTo("0 7 * * *");
        cancelled(job);
    }

    @Test
    void changesAtTheSameTimeAllHaveTheirEffect() {
        var job = registered(cron("crowded", FAR));
        var changes = List.of(
                "{\"createdBy\":\"a\"}",
                "{\"tags\":[\"b\"]}",
                "{\"priority\":\"low\"}",
                "{\"timezone\":\"Asia/Tokyo\"}");

        var answers = changes.stream()
                .map(change ->
                        client.call("PATCH", JOBS + "/" + job).json(change).start())
                .toList();
        answers.forEach(answer -> assertThat(ApiClient.await(answer).status()).isEqualTo(200));

        var now = job(job);
        assertThat(now.getString("createdBy")).isEqualTo("a");
        assertThat(now.getJsonArray("tags")).containsExactly("b");
        assertThat(now.getString("priority")).isEqualTo("low");
        assertThat(now.getString("timezone")).isEqualTo("Asia/Tokyo");
        cancelled(job);
    }

    @Test
    void jobsAreFoundByWhatTheyAreAndReadPageByPage() {
        var first = registered(
                cron("find 1%", FAR).put("tags", new JsonArray().add("found").add("b")));
        var second = registered(
                once("find 2").put("runAt", "2098-01-01T00:00:00Z").put("tags", new JsonArray().add("found")));
        var third = registered(cron("find 3", FAR)
                .put("startAt", "2098-01-01T00:00:00Z")
                .put("handlerName", "echo")
                .put("tags", new JsonArray().add("found")));

        assertThat(list("?tag=found")).containsExactly(third, second, first);
        assertThat(list("?tag=found&type=one_time")).containsExactly(second);
        assertThat(list("?tag=found&status=pending")).containsExactly(third);
        assertThat(list("?status=pending&text=FIND")).containsExactly(third);
        assertThat(list("?tag=b")).containsExactly(first);
        assertThat(list("?text=1%25")).containsExactly(first);
        assertThat(list("?handler=echo&tag=found")).containsExactly(third);
        assertThat(list("?type=one_time&text=find")).containsExactly(second);
        var page = client.get(JOBS + "?tag=found&limit=2").send().json();
        var rest = client.get(JOBS + "?tag=found&limit=2&cursor=" + page.getString("nextCursor"))
                .send()
                .json();
        assertThat(page.getJsonArray("items")).hasSize(2);
        assertThat(ids(rest.getJsonArray("items"))).containsExactly(first);
        assertThat(rest.getString("nextCursor")).isNull();
        assertThat(client.get(JOBS + "?cursor=1:x").send().problem().getString("code"))
                .isEqualTo("BAD_CURSOR");
        List.of(first, second, third).forEach(JobsApiIT::cancelled);
    }

    @Test
    void theNextTimesTellWhatAChangeOfTheClockDoes() {
        var job = registered(cron("nightly", "30 2 * * *")
                .put("timezone", "Europe/Berlin")
                .put("startAt", "2099-03-28T00:00:00Z")
                .put("excludedDates", new JsonArray().add("2099-03-30")));

        var times = next(job, 3);

        assertThat(times.getJsonObject(0).getString("local")).isEqualTo("2099-03-28T02:30:00");
        assertThat(times.getJsonObject(0).getString("offset")).isEqualTo("+01:00");
        assertThat(times.getJsonObject(1).getString("clockChange")).isEqualTo("skipped");
        assertThat(times.getJsonObject(1).getString("meant")).isEqualTo("2099-03-29T02:30:00");
        assertThat(times.getJsonObject(1).getString("local")).isEqualTo("2099-03-29T03:00:00");
        assertThat(times.getJsonObject(2).getString("at")).isEqualTo("2099-03-31T00:30:00.000000Z");
        cancelled(job);
    }

    @Test
    void theScheduleOfADagIsAJobThatIsChangedInItsFile() {
        var dag = node.publish(
                "has-a-schedule", "schedule: '" + FAR + "'\ntasks: [{id: a, type: handler, handler: noop}]");

        var job = job(dag);

        assertThat(job.getString("name")).isEqualTo("has-a-schedule");
        assertThat(job.getString("type")).isEqualTo("cron");
        assertThat(job.getString("handlerType")).isEqualTo("workflow");
        assertThat(list("?handler=has-a-schedule")).containsExactly(dag);
        assertThat(client.delete(JOBS + "/" + dag).send().code()).isEqualTo("CONFLICT");
        assertThat(client.call("PATCH", JOBS + "/" + dag).json("{}").send().code())
                .isEqualTo("CONFLICT");
        assertThat(client.post(JOBS + "/" + dag + "/cancel").send().code()).isEqualTo("CONFLICT");
        assertThat(client.post(JOBS + "/" + dag + "/pause").send().json().getString("status"))
                .isEqualTo("paused");
        assertThat(client.get(NodeUnderTest.DAGS + "/" + dag).send().json().getBoolean("active"))
                .isFalse();
        assertThat(client.post(JOBS + "/" + dag + "/resume").send().json().getString("status"))
                .isEqualTo("active");
        assertThat(client.post(NodeUnderTest.DAGS + "/" + dag + "/pause").send().status())
                .isEqualTo(200);
        assertThat(job(dag).getString("status")).isEqualTo("paused");
        assertThat(client.delete(NodeUnderTest.DAGS + "/" + dag).send().status())
                .isEqualTo(204);
        assertThat(job(dag).getString("status")).isIn("cancelled", null);
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
    void whatOnlyJobsUseIsNoDagOfTheirOwners() {
        var job = registered(cron("hidden", FAR));

        var dags = client.get(NodeUnderTest.DAGS + "?limit=500").send().array();

        assertThat(dags.stream().map(dag -> ((JsonObject) dag).getString("name")))
                .noneMatch(name -> name.startsWith("job "));
        cancelled(job);
    }

    @Test
    void theSameRequestUnderOneKeyHasItsEffectOnce() {
        var body = cron("keyed", FAR);
        var made =
                client.post(JOBS).header("Idempotency-Key", "job-1").json(body).send();
        var again =
                client.post(JOBS).header("Idempotency-Key", "job-1").json(body).send();
        assertThat(again.status()).isEqualTo(201);
        assertThat(again.json().getString("id")).isEqualTo(made.json().getString("id"));
        assertThat(made.header("Location")).isEqualTo(JOBS + "/" + made.json().getString("id"));
        assertThat(client.post(JOBS)
                        .header("Idempotency-Key", "job-1")
                        .json(cron("other", FAR))
                        .send()
                        .code())
                .isEqualTo("CONFLICT");

        var job = made.json().getString("id");
        var fired = trigger(job, "fire-1");
        assertThat(trigger(job, "fire-1").json().getString("id"))
                .isEqualTo(fired.json().getString("id"));
        assertThat(executions(job, "")).hasSize(1);
        cancelled(job);
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
        assertThat(metrics.getDouble("maxLagMs")).isPositive();
        assertThat(metrics.getJsonArray("jobs").stream()
                        .map(JsonObject.class::cast)
                        .filter(each -> each.getString("status").equals("active")
                                && each.getString("type").equals("cron"))
                        .mapToLong(each -> each.getLong("count")))
                .singleElement()
                .satisfies(count -> assertThat(count).isPositive());
        cancelled(job);
    }

    @Test
    void whatIsNotThereIsToldAsSuch() {
        for (var path : List.of("", "/next", "/executions", "/stats")) {
            assertThat(client.get(JOBS + "/" + NOBODY + path).send().code())
                    .as(path)
                    .isEqualTo("JOB_NOT_FOUND");
        }
        for (var verb : List.of("pause", "resume", "cancel", "trigger")) {
            assertThat(client.post(JOBS + "/" + NOBODY + "/" + verb).send().code())
                    .as(verb)
                    .isEqualTo("JOB_NOT_FOUND");
        }
        assertThat(client.call("PATCH", JOBS + "/" + NOBODY).json("{}").send().code())
                .isEqualTo("JOB_NOT_FOUND");
        assertThat(client.post("/api/v1/executions/" + NOBODY + "/retry").send().code())
                .isEqualTo("EXECUTION_NOT_FOUND");
    }

    private static JsonObject cron(String name, String schedule) {
        return new JsonObject()
                .put("name", name)
                .put("type", "cron")
                .put("schedule", schedule)
                .put("handlerName", "noop");
    }

    private static JsonObject once(String name) {
        return new JsonObject()
                .put("name", name)
                .put("type", "one_time")
                .put("runAt", PAST)
                .put("handlerName", "noop");
    }

    private static String registered(JsonObject job) {
        var answer = client.post(JOBS).json(job).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
        return answer.json().getString("id");
    }

    private static List<String> problems(JsonObject job) {
        var answer = client.post(JOBS).json(job).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(400);
        return answer.json().getJsonArray("details").stream()
                .map(JsonObject.class::cast)
                .map(problem -> problem.getString("path") + " " + problem.getString("code"))
                .toList();
    }

    private static JsonObject job(String id) {
        return client.get(JOBS + "/" + id).send().json();
    }

    private static JsonObject execution(String id) {
        return client.get("/api/v1/executions/" + id).send().json();
    }

    private static Reply trigger(String job, String key) {
        return client.post(JOBS + "/" + job + "/trigger")
                .header("Idempotency-Key", key)
                .send();
    }

    private static void cancelled(String job) {
        assertThat(client.post(JOBS + "/" + job + "/cancel?running=cancel")
                        .send()
                        .status())
                .isEqualTo(200);
    }

    private static JsonArray next(String job, int count) {
        return client.get(JOBS + "/" + job + "/next?count=" + count).send().array();
    }

    private static List<JsonObject> executions(String job, String query) {
        return items(JOBS + "/" + job + "/executions" + query);
    }

    private static List<String> pageByPage(String job) {
        var ids = new java.util.ArrayList<String>();
        var cursor = "";
        while (cursor != null) {
            var page = client.get(
                            JOBS + "/" + job + "/executions?limit=1" + (cursor.isEmpty() ? "" : "&cursor=" + cursor))
                    .send()
                    .json();
            ids.addAll(ids(page.getJsonArray("items")));
            cursor = page.getString("nextCursor");
        }
        return ids;
    }

    private static List<JsonObject> items(String uri) {
        return client.get(uri).send().json().getJsonArray("items").stream()
                .map(JsonObject.class::cast)
                .toList();
    }

    private static List<String> list(String query) {
        return ids(client.get(JOBS + query).send().json().getJsonArray("items"));
    }

    private static List<String> ids(JsonArray items) {
        return items.stream().map(item -> ((JsonObject) item).getString("id")).toList();
    }

    private static List<String> times(List<JsonObject> executions) {
        return executions.stream().map(each -> each.getString("scheduledAt")).toList();
    }
}
