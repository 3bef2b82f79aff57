package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.AlertReceiver;
import dev.orrery.testing.AlertReceiver.Mood;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dead letters and real nodes that are killed. */
class DeadLettersE2E {

    private static final int LETTERS = 10_000;
    private static final Duration LONG = Duration.ofMinutes(3);
    private static final String OPEN = "SELECT count(*) FROM orrery.dead_letters WHERE state = 'open'";

    @TempDir
    Path folder;

    @Test
    void aNodeKilledWhileTenThousandAreSentBackAndFailAgainLosesAndDoublesNone() throws Exception {
        String redrive;
        try (var node = NodeProcess.start(folder.resolve("data"))) {
            fail(node, LETTERS);
            until("all have failed", LONG, () -> number(node, OPEN) == LETTERS);
            var asked = node.post("/api/v1/dead-letters/redrive", "{\"filter\": {}, \"by\": \"ada\"}");
            assertThat(asked.statusCode()).as(asked.body()).isEqualTo(202);
            redrive = asked.headers().firstValue("Location").orElseThrow();
            until("it is in the middle", LONG, () -> read(node, redrive).getInteger("redriven") >= 1_000);
            node.kill();
        }

        try (var node = NodeProcess.start(folder.resolve("data"))) {
            assertThat(read(node, redrive).getString("state"))
                    .as("it was killed in the middle")
                    .isEqualTo("running");
            until("it is done", LONG, () -> "ended".equals(read(node, redrive).getString("state")));
            assertThat(read(node, redrive).getInteger("redriven")).isEqualTo(LETTERS);
            assertThat(read(node, redrive).getInteger("refused")).isZero();

            until("all have failed again", LONG, () -> number(node, OPEN) == LETTERS);
            assertThat(number(
                            node,
                            "SELECT count(*) FROM (SELECT FROM orrery.dead_letters GROUP BY task_id HAVING count(*) = 2"
                                    + " AND count(*) FILTER (WHERE state = 'redriven' AND resolved_by = 'ada') = 1) t"))
                    .as("each was sent back once, and failed again")
                    .isEqualTo(LETTERS);
            assertThat(number(node, "SELECT count(*) FROM orrery.dead_letters")).isEqualTo(2 * LETTERS);
        }
    }

    @Test
    void aLeaderThatIsKilledWhileItTellsTheWebhookIsFollowedByOneThatTellsAll() throws Exception {
        try (var receiver = new AlertReceiver();
                var etcd = Etcd.start(1);
                var server = Postgres.safe();
                var database = server.empty();
                var first = start("first", database.url(), etcd, receiver)) {
            until("the first leads", LONG, () -> metric(first, "orrery_leader") == 1);
            try (var second = start("second", database.url(), etcd, receiver)) {
                receiver.mood(Mood.NEVER_ANSWERS);
                fail(second, 30);
                until("something is told", LONG, () -> !receiver.told().isEmpty());
                first.kill();
                fail(second, 20);
                receiver.mood(Mood.TAKES);

                until("all is told", LONG, () -> receiver.letters() == 50);

                assertThat(database.value("SELECT count(*) FROM orrery.dead_letters"))
                        .isEqualTo("50");
                assertThat(receiver.taken().getFirst().id())
                        .as("what was under way is sent again")
                        .isEqualTo(receiver.told().getFirst().id());
                until(
                        "it is noted",
                        LONG,
                        () -> metric(second, "orrery_letter_alerts_total{outcome=\"delivered\"}")
                                == receiver.taken().size());
                assertThat(second.get("/health").body()).contains("letter-alerts");
                assertThat(second.stop()).isZero();
            }
        }
    }

    private NodeProcess start(String name, String url, Etcd etcd, AlertReceiver receiver) throws IOException {
        return NodeProcess.start(
                folder.resolve(name),
                "--config",
                "conf/cluster.yaml",
                "--database-url",
                url,
                "--etcd",
                etcd.endpoints().getFirst(),
                "--set",
                "dead-letters.webhook-url=" + receiver.url(),
                "--set",
                "dead-letters.webhook-per-minute=600");
    }

    private static void fail(NodeProcess node, int tasks) throws IOException {
        var task = new JsonObject()
                .put("type", "handler")
                .put("handler", "no-such-handler")
                .put("maxRetries", 0);
        for (var left = tasks; left > 0; left -= 1_000) {
            var batch = new JsonArray(Collections.nCopies(Math.min(left, 1_000), task));
            var answer = node.post(
                    "/api/v1/tasks/batch", new JsonObject().put("tasks", batch).encode());
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        }
    }

    private static JsonObject read(NodeProcess node, String path) {
        try {
            return new JsonObject(node.get(path).body());
        } catch (IOException e) {
            throw new AssertionError(path, e);
        }
    }

    private static double metric(NodeProcess node, String series) {
        try {
            return node.get("/metrics")
                    .body()
                    .lines()
                    .filter(line -> line.startsWith(series + " "))
                    .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
                    .findFirst()
                    .orElse(-1);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static long number(NodeProcess node, String sql) {
        try (Connection connection = node.database();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }
}
