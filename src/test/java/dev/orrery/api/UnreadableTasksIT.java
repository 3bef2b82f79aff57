package dev.orrery.api;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What stands in the database and is no task fails alone: it stops neither its node nor what is claimed along with it. */
class UnreadableTasksIT {

    private static final String NOTHING = "";

    private static final List<String> RUBBISH = List.of(
            NOTHING,
            "{}",
            "[]",
            "7",
            "null",
            "\"shell\"",
            "{\"type\":null}",
            "{\"type\":\"nonsense\"}",
            "{\"type\":7}",
            "{\"type\":\"shell\"}",
            "{\"type\":\"shell\",\"command\":\"true\",\"env\":[]}",
            "{\"type\":\"python\",\"args\":[1],\"env\":{}}",
            "{\"type\":\"http\",\"method\":\"GET\"}",
            "{\"type\":\"handler\",\"handler\":null}",
            "{\"type\":\"handler\",\"handler\":\"noop\",\"timeout\":\"soon\"}",
            "{\"type\":\"handler\",\"handler\":\"noop\",\"retry\":{\"maxAttempts\":-1}}",
            "{\"type\":\"handler\",\"handler\":\"noop\",\"queue\":\"\\u0001\"}",
            "[".repeat(1_500) + "]".repeat(1_500));
    private static final String WORKERS = "/api/v1/remote-workers";
    private static final String GOOD = "{\"type\":\"handler\",\"handler\":\"noop\"}";

    @TempDir
    private Path folder;

    private NodeUnderTest node;

    @BeforeEach
    void start() {
        node = new NodeUnderTest(folder);
    }

    @AfterEach
    void stop() {
        node.close();
    }

    @Test
    void theyEndFailedAndWhatWasClaimedWithThemIsDone() {
        var definitions = new ArrayList<>(RUBBISH);
        definitions.add(GOOD);

        var tasks = submit(definitions, "default");

        var good = tasks.getLast();
        until("the good one is done", () -> state(good).equals("succeeded"));
        until(
                "the others have failed",
                () -> tasks.stream().filter(id -> state(id).equals("failed")).count() == RUBBISH.size());
        for (var n = 0; n < RUBBISH.size(); n++) {
            assertThat(error(tasks.get(n))).as(RUBBISH.get(n)).contains("cannot be read");
        }
        assertThat(node.rows("task_attempts", "attempt > 1")).isZero();
    }

    @Test
    void inTheLineOfRemoteWorkersTheyFailToo() {
        var tasks = submit(List.of("{}", GOOD, "{\"type\":\"agent\",\"handler\":\"resize\"}"), "agent/1/resize");
        var worker = node.client
                .post(WORKERS)
                .json(new JsonObject().put("name", "w").put("handlers", new JsonArray().add("resize")))
                .send()
                .json();

        var fetched = new ArrayList<String>();
        until("the good one is handed over", () -> {
            node.client
                    .post(WORKERS + "/" + worker.getString("id") + "/poll")
                    .header("Orrery-Worker-Token", worker.getString("token"))
                    .json(new JsonObject().put("waitMs", 100))
                    .send()
                    .json()
                    .getJsonArray("assignments")
                    .forEach(task -> fetched.add(((JsonObject) task).getString("taskId")));
            return !fetched.isEmpty();
        });

        assertThat(fetched).containsExactly(tasks.getLast().toString());
        assertThat(error(tasks.get(0))).contains("cannot be read");
        assertThat(error(tasks.get(1))).contains("no remote worker does handler tasks");
        assertThat(state(tasks.get(0))).isEqualTo("failed");
        assertThat(state(tasks.get(1))).isEqualTo("failed");
    }

    private List<UUID> submit(List<String> definitions, String queue) {
        var base = new IdSequence(System.nanoTime()).next(System.currentTimeMillis());
        var count = definitions.size();
        var texts = definitions.stream()
                .map(definition -> definition.equals(NOTHING) ? "NULL" : "'" + definition + "'")
                .collect(Collectors.joining(","));
        var verdict = node.value("""
                SELECT verdicts[1] FROM submit_tasks(
                    ARRAY['%1$s'::uuid], ARRAY[1], NULL, NULL, NULL, NULL,
                    array_fill(1, ARRAY[%2$d]), ARRAY(SELECT single_id('%1$s', n) FROM generate_series(1, %2$d) n), array_fill('t'::text, ARRAY[%2$d]),
                    ARRAY[%3$s], NULL, array_fill('%4$s'::text, ARRAY[%2$d]), array_fill(5::smallint, ARRAY[%2$d]), NULL, NULL,
                    array_fill('human'::text, ARRAY[%2$d]), NULL, NULL, NULL, array_fill('sequential'::text, ARRAY[%2$d]),
                    NULL, NULL, array_fill(1800000::bigint, ARRAY[%2$d]), NULL, NULL, NULL, NULL, NULL, NULL, 50, 10, NULL)
                """.formatted(base, count, texts, queue));
        assertThat(verdict).isEqualTo("created");
        return IntStream.rangeClosed(1, count)
                .mapToObj(n -> TaskInstanceId.single(base, n).value())
                .toList();
    }

    private String state(UUID id) {
        return node.value("SELECT state FROM task_states WHERE id = '" + id + "'");
    }

    private String error(UUID id) {
        return node.value("SELECT error FROM task_attempts WHERE task_id = '" + id + "'");
    }
}
