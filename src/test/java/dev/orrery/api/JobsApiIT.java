package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Jobs as callers register, see and change them, on a node that fires them. */
class JobsApiIT extends JobsApiTestBase {

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
    void aRepeatedRegistrationOfAJobThatWasDeletedSaysSoAndMakesNone() {
        var dag = node.publish("fired by a deleted job", "tasks: [{id: a, type: handler, handler: noop}]");
        var body = once("deleted since")
                .put("runAt", "2099-01-01T00:00:00Z")
                .put("handlerType", "workflow")
                .put("handlerName", "fired by a deleted job")
                .put("tags", new JsonArray().add("gone"));
        var made = keyed(body);
        var job = made.json().getString("id");
        assertThat(client.delete(JOBS + "/" + job).send().status()).isEqualTo(204);

        var again = keyed(body);
        until("nothing is left of it", () -> node.jobRows(job) == 0);
        assertThat(client.delete(NodeUnderTest.DAGS + "/" + dag).send().status())
                .isEqualTo(204);
        var muchLater = keyed(body);

        for (var answer : List.of(again, muchLater)) {
            assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
            assertThat(answer.header("Location")).isEqualTo(JOBS + "/" + job);
            assertThat(answer.json().getString("id")).isEqualTo(job);
            assertThat(answer.json().getString("status")).isEqualTo("cancelled");
            assertThat(answer.json().getString("runAt")).isEqualTo(made.json().getString("runAt"));
            assertThat(answer.json().getJsonArray("tags")).isEqualTo(new JsonArray().add("gone"));
            assertThat(answer.json().getString("nextRun")).isNull();
        }
        assertThat(client.get(JOBS + "/" + job).send().code()).isEqualTo("JOB_NOT_FOUND");
        assertThat(list("?text=deleted+since")).isEmpty();
        assertThat(keyed(body.copy().put("maxRetries", 1)).code()).isEqualTo("HANDLER_NOT_FOUND");
    }

    private static ApiClient.Reply keyed(JsonObject body) {
        return client.post(JOBS)
                .header("Idempotency-Key", "deleted-since")
                .json(body)
                .send();
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

    @Test
    void jobsAreListedByNameAndInTheOrderInWhichTheyFire() {
        var tag = "sorted";
        var last = registered(cron("b \u00e9 last", "0 0 1 1 *").put("tags", new JsonArray().add(tag)));
        var first = registered(cron("c first", "* * * * *").put("tags", new JsonArray().add(tag)));
        var never = registered(once("a never").put("tags", new JsonArray().add(tag)));
        var paused = registered(cron("d paused", "* * * * *").put("tags", new JsonArray().add(tag)));
        assertThat(client.post(JOBS + "/" + paused + "/pause").send().status()).isEqualTo(200);
        until(
                "all are planned",
                () -> job(last).getString("nextRun") != null
                        && job(first).getString("nextRun") != null
                        && job(never).getString("status").equals("completed"));

        assertThat(list("?sort=name&tag=" + tag)).containsExactly(never, last, first, paused);
        assertThat(list("?sort=nextRun&tag=" + tag)).containsExactly(first, last);
        assertThat(list("?sort=createdAt&tag=" + tag)).containsExactly(paused, never, first, last);
        for (var sort : List.of("name", "nextRun", "createdAt")) {
            var query = "?limit=1&tag=" + tag + "&sort=" + sort;
            var found = new ArrayList<String>();
            for (var cursor = ""; cursor != null; ) {
                var page = client.get(JOBS + query + cursor).send().json();
                found.addAll(ids(page.getJsonArray("items")));
                cursor = page.getString("nextCursor") == null ? null : "&cursor=" + page.getString("nextCursor");
            }
            assertThat(found).as(sort).isEqualTo(list("?tag=" + tag + "&sort=" + sort));
        }
        for (var cursor : List.of("x", "AA:1", "_w:" + NOBODY + ":1")) {
            assertThat(client.get(JOBS + "?sort=name&cursor=" + cursor)
                            .send()
                            .problem()
                            .getString("code"))
                    .isEqualTo("BAD_CURSOR");
        }
        cancelled(first);
    }
}
