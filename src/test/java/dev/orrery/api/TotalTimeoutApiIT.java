package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** For how long, and after which failures, the work of a whole node is tried again, wherever that can be said. */
class TotalTimeoutApiIT extends JobsApiTestBase {

    private static final String TASKS = "/api/v1/tasks";
    private static final String HANDLERS = "/api/v1/event-handlers";
    private static final String WORKERS = "/api/v1/remote-workers";

    @Test
    void aTaskOfADagHasOneAndARedriveBeginsItAnew() {
        var run = node.trigger(
                node.publish(
                        "total",
                        "tasks: [{id: a, type: shell, command: exit 1, totalTimeout: 5m, retry: {initialDelay: 10m, maxDelay: 10m}}]"));
        node.ended(run);

        assertThat(task(run).getString("state")).isEqualTo("timed_out");
        assertThat(task(run).getInteger("attempt")).isEqualTo(1);
        assertThat(task(run).getString("error"))
                .startsWith(
                        "exit code 1 (not tried again: its totalTimeout of 5m over all attempts ends before the next");
        var letter = items("/api/v1/dead-letters?dag=total").getFirst();
        assertThat(letter.getString("outcome")).isEqualTo("timed_out");
        assertThat(client.post("/api/v1/dead-letters/" + letter.getString("id") + "/redrive")
                        .json(new JsonObject())
                        .send()
                        .status())
                .isEqualTo(200);
        until(
                "it has failed again",
                () -> task(run).getInteger("attempt") == 2
                        && task(run).getString("state").equals("timed_out"));
        assertThat(task(run).getString("error")).as("it was tried").startsWith("exit code 1 (not tried again");
    }

    @Test
    void aSingleTaskIsStoppedWhenItsTotalIsOver() {
        var id = client.post(TASKS)
                .json(new JsonObject()
                        .put("type", "shell")
                        .put("command", "test $ORRERY_ATTEMPT = 1 && exit 1; sleep 60")
                        .put("totalTimeout", "2s")
                        .put("retry", new JsonObject().put("initialDelay", "0s")))
                .send()
                .json()
                .getString("id");
        until("it has ended", () -> single(id).getString("state").equals("failed"));

        assertThat(single(id).getInteger("retryCount")).isEqualTo(1);
        assertThat(single(id).getString("error"))
                .isEqualTo("stopped: its totalTimeout of 2s over all attempts is over");
        assertThat(single(id).getJsonObject("definition").getString("totalTimeout"))
                .isEqualTo("2s");
    }

    @Test
    void aTotalThatIsNoneIsRefusedWithItsPlace() {
        var task = new JsonObject().put("type", "shell").put("command", "x");

        var answer = client.post(TASKS).json(task.put("totalTimeout", "400d")).send();
        var inRetry = client.post(TASKS)
                .json(new JsonObject()
                        .put("type", "shell")
                        .put("command", "x")
                        .put("retry", new JsonObject().put("totalTimeout", "1h")))
                .send();

        assertThat(answer.problem().getString("path")).isEqualTo("totalTimeout");
        assertThat(inRetry.problem().getString("path")).isEqualTo("retry.totalTimeout");
        assertThat(inRetry.body().toString()).contains("stands beside it, in the task");
    }

    @Test
    void aJobHasRulesAndATotal() {
        var id = registered(once("ruled")
                .put("handlerName", "shell")
                .put("payload", new JsonObject().put("command", "exit 3"))
                .put("retryDelayMs", 0)
                .put("totalTimeoutMs", 3_600_000)
                .put("retryOn", new JsonArray().add("timeout"))
                .put("giveUpOn", new JsonArray().add("exit:5")));

        until("it has ended", () -> job(id).getString("status").equals("failed"));

        var execution = executions(id, "").getFirst();
        assertThat(execution.getInteger("retryCount")).isZero();
        assertThat(execution.getString("error")).isEqualTo("exit code 3 (not tried again: retryOn does not name it)");
        assertThat(job(id).getLong("totalTimeoutMs")).isEqualTo(3_600_000);
        assertThat(job(id).getJsonArray("retryOn")).containsExactly("timeout");
        assertThat(job(id).getJsonArray("giveUpOn")).containsExactly("exit:5");
    }

    @Test
    void theTotalOfAJobIsChangedAndTakenAway() {
        var id = registered(
                cron("changed", FAR).put("totalTimeoutMs", 1_000).put("retryOn", new JsonArray().add("exit")));

        var changed = client.call("PATCH", JOBS + "/" + id)
                .json(new JsonObject().putNull("totalTimeoutMs").put("retryOn", new JsonArray().add("http:5xx")))
                .send();

        assertThat(changed.status()).as(changed.body().toString()).isEqualTo(200);
        assertThat(job(id).getLong("totalTimeoutMs")).isNull();
        assertThat(job(id).getJsonArray("retryOn")).containsExactly("http:5xx");
    }

    @Test
    void rulesOfJobsThatAreNoneAreRefusedWithTheirPlaces() {
        var job =
                cron("wrong", FAR).put("retryOn", new JsonArray().add("exit:1").add("exti:3"));

        assertThat(problems(job)).containsExactly("retryOn[1] INVALID_VALUE");
        assertThat(client.post(JOBS).json(job).send().body().toString()).contains("did you mean 'exit:3'?");
        assertThat(problems(cron("of a dag", FAR).put("handlerType", "workflow").put("totalTimeoutMs", 1_000)))
                .containsExactly("totalTimeoutMs CONFLICTING_FIELDS");
    }

    @Test
    void anEventHandlerHasRulesAndATotal() {
        var handler = new JsonObject()
                .put("eventName", "tried")
                .put("handlerName", "shell")
                .put("payload", new JsonObject().put("command", "exit 75"))
                .put("retryDelayMs", 600_000)
                .put("totalTimeoutMs", 60_000)
                .put("giveUpOn", new JsonArray().add("exit:3"));
        var answer = client.post(HANDLERS).json(handler).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
        var id = answer.json().getString("id");

        client.post("/api/v1/events")
                .json(new JsonObject().put("name", "tried"))
                .send();

        until("it has ended", () -> executions(id, "?status=timeout").size() == 1);
        assertThat(executions(id, "").getFirst().getString("error"))
                .startsWith("exit code 75 (not tried again: its totalTimeout of 1m over all attempts");
        assertThat(answer.json().getLong("totalTimeoutMs")).isEqualTo(60_000);
        assertThat(answer.json().getJsonArray("giveUpOn")).containsExactly("exit:3");
        var wrong = client.post(HANDLERS)
                .json(handler.copy().put("giveUpOn", new JsonArray().add("http:700")))
                .send();
        assertThat(wrong.problem().getString("path")).isEqualTo("giveUpOn[0]");
    }

    @Test
    void aRemoteWorkerSaysInWhichWayItFailed() {
        var run = remote(
                "kinds",
                "retry: {maxAttempts: 3, initialDelay: 0s, retryOn: ['http:5xx'], giveUpOn: ['error:ValueError']}");
        var worker = worker("kinds");

        var first = fetch(worker);
        assertThat(fail(worker, first, "exit:1-9").code()).isEqualTo("VALIDATION_ERROR");
        assertThat(fail(worker, first, "exti:3").body().toString()).contains("is no kind of failure");
        assertThat(fail(worker, first, "http:503").status()).isEqualTo(204);
        var second = fetch(worker);
        assertThat(second.getInteger("attempt")).isEqualTo(2);
        assertThat(fail(worker, second, "error:ValueError").status()).isEqualTo(204);

        node.ended(run);
        assertThat(task(run).getString("error"))
                .isEqualTo("it broke (not tried again: giveUpOn names error:ValueError)");
    }

    @Test
    void aRemoteWorkerIsGivenWhatIsLeftAndStoppedWhenItIsOver() {
        var run = remote("short", "totalTimeout: 1500ms, retry: {maxAttempts: 5, initialDelay: 0s}");
        var worker = worker("short");

        assertThat(fail(worker, fetch(worker), "exit:1").status()).isEqualTo(204);
        var second = fetch(worker);

        assertThat(second.getLong("timeoutMs")).isBetween(1L, 1_500L);
        node.ended(run);
        assertThat(task(run).getString("state")).isEqualTo("timed_out");
        assertThat(task(run).getString("error"))
                .isEqualTo("stopped: its totalTimeout of 1s500ms over all attempts is over");
        assertThat(fail(worker, second, "exit:1").code()).isEqualTo("STALE_CLAIM");
    }

    /** No worker asks for it any more. */
    @Test
    void aTaskThatNobodyTakesAgainEndsInTime() {
        var run = remote("left", "totalTimeout: 1500ms, retry: {maxAttempts: 5, initialDelay: 0s}");
        var worker = worker("left");

        assertThat(fail(worker, fetch(worker), "exit:1").status()).isEqualTo(204);

        node.ended(run);
        assertThat(task(run).getString("state")).isEqualTo("timed_out");
        assertThat(task(run).getInteger("attempt")).isEqualTo(2);
        assertThat(task(run).getString("error"))
                .isEqualTo("not tried again: its totalTimeout of 1s500ms over all attempts is over");
        assertThat(task(run).getString("startedAt"))
                .as("it was not begun again")
                .isNull();
        assertThat(items("/api/v1/dead-letters?handler=left")).hasSize(1);
        assertThat(post(worker, "/poll", new JsonObject().put("waitMs", 1))
                        .json()
                        .getJsonArray("assignments"))
                .isEmpty();
    }

    private static String remote(String handler, String more) {
        return node.trigger(node.publish(
                handler + " " + UUID.randomUUID(),
                "tasks: [{id: a, type: agent, handler: " + handler + ", " + more + "}]"));
    }

    private static JsonObject worker(String handler) {
        return client.post(WORKERS)
                .json(new JsonObject().put("name", "w").put("handlers", new JsonArray().add(handler)))
                .send()
                .json();
    }

    private static JsonObject fetch(JsonObject worker) {
        var polled = post(worker, "/poll", new JsonObject()).json();
        assertThat(polled.getJsonArray("assignments")).as("a task was ready").isNotEmpty();
        return polled.getJsonArray("assignments").getJsonObject(0);
    }

    private static ApiClient.Reply fail(JsonObject worker, JsonObject task, String kind) {
        return post(
                worker,
                "/claims/" + task.getString("claimId") + "/fail",
                new JsonObject().put("error", "it broke").put("kind", kind));
    }

    private static ApiClient.Reply post(JsonObject worker, String path, JsonObject body) {
        return client.post(WORKERS + "/" + worker.getString("id") + path)
                .header("Orrery-Worker-Token", worker.getString("token"))
                .json(body)
                .send();
    }

    private static JsonObject task(String run) {
        return client.get(NodeUnderTest.RUNS + "/" + run + "/tasks/a").send().json();
    }

    private static JsonObject single(String id) {
        return client.get(TASKS + "/" + id).send().json();
    }
}
