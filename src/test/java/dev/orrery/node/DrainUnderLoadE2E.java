package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar, told to stop with thousands of tasks in line, some that run for long, and clients that go on submitting. */
class DrainUnderLoadE2E {

    private static final int SHORT = 3_000;
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(8);
    private static final Duration WHOLE = Duration.ofSeconds(90);

    @TempDir
    Path folder;

    private final Queue<String> accepted = new ConcurrentLinkedQueue<>();

    @Test
    void nothingAcceptedIsLostNothingNewBeginsAndNothingIsDoneTwice() throws Exception {
        var done = folder.resolve("done");
        var clients = new ArrayList<Thread>();
        try (var node = start()) {
            var ends = List.of(
                    submit(node, shell("sleep 5; echo shell >> " + done)),
                    submit(node, python("import time; time.sleep(5); open('" + done + "', 'a').write('python\\n')")),
                    submit(
                            node,
                            new JsonObject().put("handler", "sleep").put("input", new JsonObject().put("ms", 5_000))));
            var cut = List.of(
                    submit(node, shell("[ $ORRERY_ATTEMPT = 2 ] || sleep 600; echo cut >> " + done)),
                    submit(
                            node,
                            python("import os, time; os.environ['ORRERY_ATTEMPT'] == '2' or time.sleep(600);"
                                    + " open('" + done + "', 'a').write('cut\\n')")));
            until("the long ones run", () -> number(node, "SELECT count(*) FROM task_attempts") == 5);
            submitShortOnes(node);
            until("some have ended", () -> number(node, SUCCEEDED) > 100);
            for (var n = 0; n < 2; n++) {
                clients.add(Thread.ofVirtual().start(() -> submitUntilRefused(node)));
            }
            var before = accepted.size();
            until("clients submit", () -> accepted.size() > before + 20);

            node.signal("TERM");
            until("it tells that it is not ready", Duration.ofSeconds(3), () -> answersNotReady(node));
            var whileDraining = accepted.size();
            until("it still accepts", () -> accepted.size() > whileDraining + 20);
            awaitStatementsUnderWay(node);
            var fence = number(node, "SELECT last_value FROM fence_seq");
            until("those that may end have", () -> numberOf(node, ends, "outcome = 'succeeded'") == ends.size());

            assertThat(number(node, "SELECT last_value FROM fence_seq"))
                    .as("nothing new is claimed")
                    .isEqualTo(fence);
            assertThat(number(node, "SELECT count(*) FROM task_ready"))
                    .as("and much waits")
                    .isGreaterThan(500);
            assertThat(node.awaitEnd(DRAIN_LIMIT.plusSeconds(30)))
                    .as(node.output())
                    .isZero();
            for (var client : clients) {
                client.join();
            }
            accepted.addAll(ends);
            accepted.addAll(cut);
            nextNodeEndsEverything(cut);
        }
    }

    /** A claim that was asked for before the drain may still be answered. */
    private static void awaitStatementsUnderWay(NodeProcess node) {
        var now = number(node, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
        until(
                "what was under way has ended",
                () -> number(
                                node,
                                "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()"
                                        + " AND backend_type = 'client backend' AND xact_start <= to_timestamp("
                                        + now + " / 1000000.0)")
                        == 0);
    }

    private void nextNodeEndsEverything(List<String> cut) throws Exception {
        try (var next = start()) {
            until(
                    "everything has ended",
                    WHOLE,
                    () -> number(
                                    next,
                                    "SELECT (SELECT count(*) FROM task_ready) + (SELECT count(*) FROM claim_batches)"
                                            + " + (SELECT count(*) FROM task_timers)")
                            == 0);

            assertThat(new HashSet<>(accepted)).hasSameSizeAs(accepted);
            assertThat(numberOf(next, List.copyOf(accepted), "state = 'succeeded'"))
                    .as("every task that was accepted, once")
                    .isEqualTo(accepted.size());
            assertThat(number(next, SUCCEEDED)).as("and no other").isEqualTo(accepted.size());
            assertThat(number(next, "SELECT count(*) FROM task_attempts WHERE outcome IS NULL OR outcome = 'failed'"))
                    .isZero();
            assertThat(number(next, "SELECT count(*) FROM dead_letters")).isZero();
            assertThat(numberOf(next, cut, "attempt = 2"))
                    .as("cut at the limit")
                    .isEqualTo(cut.size());
            assertThat(Files.readAllLines(folder.resolve("done")))
                    .containsExactlyInAnyOrder("shell", "python", "cut", "cut");
            assertThat(next.stop()).isZero();
        }
    }

    private static final String SUCCEEDED = "SELECT count(*) FROM task_attempts WHERE state = 'succeeded'";

    private NodeProcess start() throws IOException {
        return NodeProcess.start(
                folder.resolve("data"),
                "--set",
                "workers.drain-timeout=" + DRAIN_LIMIT.toSeconds() + "s",
                "--set",
                "workers.concurrency=4",
                "--set",
                "tasks.kill-grace=1s");
    }

    private static JsonObject shell(String command) {
        return new JsonObject().put("type", "shell").put("command", command);
    }

    private static JsonObject python(String code) {
        return new JsonObject().put("type", "python").put("code", code);
    }

    private static String submit(NodeProcess node, JsonObject task) throws IOException {
        var whole = task.copy().put("type", task.getString("type", "handler"));
        var answer = node.post("/api/v1/tasks", whole.encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new JsonObject(answer.body()).getString("id");
    }

    private void submitShortOnes(NodeProcess node) throws IOException {
        var tasks = new JsonArray();
        IntStream.range(0, SHORT)
                .forEach(_ -> tasks.add(new JsonObject()
                        .put("type", "handler")
                        .put("handler", "sleep")
                        .put("input", new JsonObject().put("ms", 50))));
        var answer = node.post(
                "/api/v1/tasks/batch", new JsonObject().put("tasks", tasks).encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        ids(new JsonObject(answer.body())).forEach(accepted::add);
    }

    private static List<String> ids(JsonObject answer) {
        return answer.getJsonArray("tasks").stream()
                .map(task -> ((JsonObject) task).getString("id"))
                .toList();
    }

    /** As clients do: as long as they are answered. */
    private void submitUntilRefused(NodeProcess node) {
        try {
            while (true) {
                var answer = node.post("/api/v1/tasks", "{\"type\": \"handler\", \"handler\": \"noop\"}");
                if (answer.statusCode() == 201) {
                    accepted.add(new JsonObject(answer.body()).getString("id"));
                }
            }
        } catch (IOException gone) {
            // What was not answered may be there or not: nobody was told.
            return;
        }
    }

    private static boolean answersNotReady(NodeProcess node) {
        try {
            return node.get("/health/ready").statusCode() == 503;
        } catch (IOException gone) {
            throw new AssertionError("it is gone before it told", gone);
        }
    }

    private static long numberOf(NodeProcess node, List<String> tasks, String condition) {
        var list = String.join("','", tasks);
        return number(
                node,
                "SELECT count(DISTINCT task_id) FROM task_attempts WHERE " + condition + " AND task_id IN ('" + list
                        + "')");
    }

    private static long number(NodeProcess node, String sql) {
        try (var connection = node.database();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }
}
