package dev.orrery.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.ApiClient.Reply;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** A node that fires jobs, and the calls for them. */
abstract class JobsApiTestBase {

    static final String JOBS = "/api/v1/jobs";
    static final String NOBODY = "01980f6e-7000-7000-8b2d-5f3100000000";
    static final String PAST = "2026-01-01T00:00:00Z";
    static final String FAR = "0 0 1 1 *";

    static NodeUnderTest node;
    static ApiClient client;

    @BeforeAll
    static void start(@TempDir Path folder) {
        node = new NodeUnderTest(folder);
        client = node.client;
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    static JsonObject cron(String name, String schedule) {
        return new JsonObject()
                .put("name", name)
                .put("type", "cron")
                .put("schedule", schedule)
                .put("handlerName", "noop");
    }

    static JsonObject once(String name) {
        return new JsonObject()
                .put("name", name)
                .put("type", "one_time")
                .put("runAt", PAST)
                .put("handlerName", "noop");
    }

    static String registered(JsonObject job) {
        var answer = client.post(JOBS).json(job).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(201);
        return answer.json().getString("id");
    }

    static List<String> problems(JsonObject job) {
        var answer = client.post(JOBS).json(job).send();
        assertThat(answer.status()).as(answer.body().toString()).isEqualTo(400);
        return answer.json().getJsonArray("details").stream()
                .map(JsonObject.class::cast)
                .map(problem -> problem.getString("path") + " " + problem.getString("code"))
                .toList();
    }

    static JsonObject job(String id) {
        return client.get(JOBS + "/" + id).send().json();
    }

    static JsonObject execution(String id) {
        return client.get("/api/v1/executions/" + id).send().json();
    }

    static Reply trigger(String job, String key) {
        return client.post(JOBS + "/" + job + "/trigger")
                .header("Idempotency-Key", key)
                .send();
    }

    static void cancelled(String job) {
        assertThat(client.post(JOBS + "/" + job + "/cancel?running=cancel")
                        .send()
                        .status())
                .isEqualTo(200);
    }

    static JsonArray next(String job, int count) {
        return client.get(JOBS + "/" + job + "/next?count=" + count).send().array();
    }

    static List<JsonObject> executions(String job, String query) {
        return items(JOBS + "/" + job + "/executions" + query);
    }

    static List<String> pageByPage(String job) {
        return pageByPage(job, "");
    }

    static List<String> pageByPage(String job, String query) {
        var ids = new java.util.ArrayList<String>();
        var cursor = "";
        while (cursor != null) {
            var page = client.get(JOBS + "/" + job + "/executions?limit=1" + query
                            + (cursor.isEmpty() ? "" : "&cursor=" + cursor))
                    .send()
                    .json();
            ids.addAll(ids(page.getJsonArray("items")));
            cursor = page.getString("nextCursor");
        }
        return ids;
    }

    static List<JsonObject> items(String uri) {
        return client.get(uri).send().json().getJsonArray("items").stream()
                .map(JsonObject.class::cast)
                .toList();
    }

    static List<String> list(String query) {
        return ids(client.get(JOBS + query).send().json().getJsonArray("items"));
    }

    static List<String> ids(JsonArray items) {
        return items.stream().map(item -> ((JsonObject) item).getString("id")).toList();
    }

    static List<String> ids(List<JsonObject> items) {
        return items.stream().map(item -> item.getString("id")).toList();
    }

    static List<String> times(List<JsonObject> executions) {
        return executions.stream().map(each -> each.getString("scheduledAt")).toList();
    }
}
