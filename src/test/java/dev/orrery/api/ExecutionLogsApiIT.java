package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What executions said, entry by entry. */
class ExecutionLogsApiIT extends JobsApiTestBase {

    private static final String AT = "2026-01-31T02:00:00.123Z";

    @TempDir
    private Path folder;

    @Test
    void aProgramSaysPlainLinesAndEntriesOfItsOwn() {
        var command = "echo plain; echo '" + AT + " WARNING late {\"by\": [3, \"s\"]}'; printf '" + AT
                + " ERROR broken\\n\\tat here\\n'; exit 1";
        var job = registered(cron("says", FAR)
                .put("handlerName", "shell")
                .put("payload", new JsonObject().put("command", command))
                .put("maxRetries", 1)
                .put("retryDelayMs", 10));
        var begun = Instant.now().minusSeconds(60);
        var execution = trigger(job, "says").json().getString("id");
        until("it failed", () -> execution(execution).getString("status").equals("failed"));

        var all = logs(execution, "");

        assertThat(all).hasSize(6);
        assertThat(all.stream().map(each -> each.getInteger("attempt"))).containsExactly(1, 1, 1, 2, 2, 2);
        assertThat(all.getFirst().getString("message")).isEqualTo("plain");
        assertThat(all.getFirst().getString("level")).isEqualTo("info");
        assertThat(Instant.parse(all.getFirst().getString("timestamp"))).isAfter(begun);
        assertThat(all.getFirst().getValue("data")).isNull();
        assertThat(all.getFirst().getString("executionId")).isEqualTo(execution);
        assertThat(all.get(1).getString("message")).isEqualTo("late");
        assertThat(all.get(1).getString("timestamp")).startsWith("2026-01-31T02:00:00.123");
        assertThat(all.get(1).getJsonObject("data").encode()).isEqualTo("{\"by\":[3,\"s\"]}");
        assertThat(all.get(2).getString("message")).isEqualTo("broken\nat here");
        assertThat(logs(execution, "?level=warning")).hasSize(4);
        assertThat(logs(execution, "?level=error&attempt=2")).containsExactly(all.get(5));
        assertThat(logs(execution, "?to=2026-02-01T00:00:00Z")).hasSize(4);
        assertThat(logs(execution, "?from=2026-02-01T00:00:00Z")).containsExactly(all.getFirst(), all.get(3));
        assertThat(pages(execution, 1)).isEqualTo(all);
        assertThat(pages(execution, 4)).isEqualTo(all);
        assertThat(execution(execution).getString("errorStack")).isEqualTo("broken\nat here");
    }

    @Test
    void whatWasSaidSinceIsAskedForWithTheCursorWhileItRuns() throws IOException {
        var flag = folder.resolve("flag");
        var job = registered(cron("speaks", FAR)
                .put("handlerName", "shell")
                .put(
                        "payload",
                        new JsonObject()
                                .put("command", "echo one; until test -f " + flag + "; do sleep 0.1; done; echo two")));
        var execution = trigger(job, "speaks").json().getString("id");
        until("it spoke", () -> logs(execution, "").size() == 1);
        var first = page(execution, "");
        var cursor = first.getString("nextCursor");
        assertThat(cursor).isNotNull();
        assertThat(page(execution, "?cursor=" + cursor).getJsonArray("items")).isEmpty();
        assertThat(page(execution, "?cursor=" + cursor).getString("nextCursor")).isEqualTo(cursor);

        Files.createFile(flag);

        until("it succeeded", () -> execution(execution).getString("status").equals("success"));
        var rest = page(execution, "?cursor=" + cursor);
        assertThat(messages(rest)).containsExactly("two");
        assertThat(rest.getString("nextCursor")).isNull();
    }

    @Test
    void aFunctionSaysItWithDataAndADagTaskByTask() {
        var job = registered(cron("logs", FAR)
                .put("handlerName", "log")
                .put(
                        "payload",
                        new JsonObject()
                                .put("message", "two\nlines")
                                .put("level", "error")
                                .put("data", new JsonObject().put("n", 1))));
        node.publish(
                "says-much",
                "tasks: [{id: a, type: shell, command: echo a}, {id: b, type: shell, command: echo b, dependencies: [a]}]");
        var dag = registered(
                cron("logs of a dag", FAR).put("handlerType", "workflow").put("handlerName", "says-much"));
        var function = trigger(job, "logs").json().getString("id");
        var workflow = trigger(dag, "logs-of-a-dag").json().getString("id");
        until(
                "both succeeded",
                () -> execution(function).getString("status").equals("success")
                        && execution(workflow).getString("status").equals("success"));

        var said = logs(function, "");

        assertThat(said).hasSize(1);
        assertThat(said.getFirst().getString("level")).isEqualTo("error");
        assertThat(said.getFirst().getString("message")).isEqualTo("two\nlines");
        assertThat(said.getFirst().getJsonObject("data").getInteger("n")).isEqualTo(1);
        assertThat(execution(function).getString("errorStack"))
                .as("it did not fail")
                .isNull();
        assertThat(logs(workflow, "").stream().map(each -> each.getString("taskId") + " " + each.getString("message")))
                .containsExactly("a a", "b b");
        assertThat(pages(workflow, 1)).isEqualTo(logs(workflow, ""));
    }

    @Test
    void whatIsWrongIsTold() {
        var job = registered(cron("silent", FAR));
        var execution = trigger(job, "silent").json().getString("id");

        for (var cursor : List.of("1:1", "a:b:c", "1:1:-1", "1:99999:0", "1:1:0:0")) {
            assertThat(client.get(path(execution) + "?cursor=" + cursor)
                            .send()
                            .problem()
                            .getString("code"))
                    .as(cursor)
                    .isEqualTo("BAD_CURSOR");
        }
        assertThat(client.get(path(execution) + "?cursor=9:1:0").send().json().getJsonArray("items"))
                .isEmpty();
        assertThat(client.get(path(execution) + "?level=loud").send().code()).isEqualTo("BAD_REQUEST");
        assertThat(client.get(path(NOBODY)).send().code()).isEqualTo("EXECUTION_NOT_FOUND");
    }

    private static String path(String execution) {
        return "/api/v1/executions/" + execution + "/logs";
    }

    private static JsonObject page(String execution, String query) {
        return client.get(path(execution) + query).send().json();
    }

    private static List<JsonObject> logs(String execution, String query) {
        return items(path(execution) + query);
    }

    private static List<String> messages(JsonObject page) {
        return page.getJsonArray("items").stream()
                .map(each -> ((JsonObject) each).getString("message"))
                .toList();
    }

    private static List<JsonObject> pages(String execution, int limit) {
        var found = new ArrayList<JsonObject>();
        var cursor = "";
        while (cursor != null) {
            var page = page(execution, "?limit=" + limit + cursor);
            page.getJsonArray("items").forEach(each -> found.add((JsonObject) each));
            cursor = page.getString("nextCursor") == null ? null : "&cursor=" + page.getString("nextCursor");
        }
        return found;
    }
}
