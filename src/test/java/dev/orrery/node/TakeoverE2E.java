package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real nodes that follow one another on one external database. */
class TakeoverE2E {

    /** Far less than the drain timeout: a node that was fenced does not let its tasks go on. */
    private static final Duration ENDS_WITHIN = Duration.ofSeconds(30);

    @TempDir
    Path folder;

    private Postgres server;
    private TestDatabase database;

    @BeforeEach
    void open() {
        server = Postgres.safe();
        database = server.empty();
    }

    @AfterEach
    void close() {
        database.close();
        server.close();
    }

    @Test
    void whileANodeLivesASecondOneIsRefusedInOneLine() throws Exception {
        try (var first = start("first")) {
            var second = NodeProcess.withoutSettings(new ProcessBuilder(NodeProcess.commandLine(
                            "node",
                            "--data-dir",
                            folder.resolve("second").toString(),
                            "--http-port",
                            "0",
                            "--database-url",
                            database.url())))
                    .redirectErrorStream(true)
                    .start();
            var output = new String(second.getInputStream().readAllBytes(), UTF_8);

            assertThat(second.waitFor()).isEqualTo(1);
            assertThat(output)
                    .contains("another standalone node works on this database")
                    .contains("pid " + first.pid())
                    .doesNotContain("\tat ");
            assertThat(first.get("/health/ready").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void aNodeThatWasFrozenIsReplacedAndEndsItselfWhenItWakesUp() throws Exception {
        try (var frozen = start("frozen")) {
            var run = trigger(frozen);
            until(
                    "its tasks run",
                    () -> value("SELECT count(*) FROM task_attempts WHERE outcome IS NULL")
                            .equals("8"));
            signal(frozen, "STOP");

            try (var next = start("next")) {
                until(
                        "all is claimed anew",
                        () -> value("SELECT count(*) FROM task_attempts WHERE outcome = 'lost'")
                                        .equals("8")
                                && value("SELECT count(*) FROM claim_batches b JOIN nodes n ON n.id = b.node_id"
                                                + " WHERE n.fenced_at IS NULL")
                                        .equals(value("SELECT count(*) FROM claim_batches")));
                var woken = System.nanoTime();
                signal(frozen, "CONT");

                assertThat(frozen.awaitEnd()).isEqualTo(70);
                assertThat(Duration.ofNanos(System.nanoTime() - woken)).isLessThan(ENDS_WITHIN);
                until(
                        "the run has ended",
                        () -> new JsonObject(body(next, "/api/v1/runs/" + run))
                                .getString("state")
                                .equals("succeeded"));
                assertThat(value("SELECT string_agg(DISTINCT attempt || ' ' || outcome, ', ') FROM task_attempts"))
                        .isEqualTo("1 lost, 2 succeeded");
                assertThat(next.stop()).isZero();
            }
        }
    }

    private NodeProcess start(String name) throws IOException {
        return NodeProcess.start(folder.resolve(name), "--database-url", database.url());
    }

    /** Eight tasks that take longer than a node is waited for. */
    private static String trigger(NodeProcess node) throws IOException {
        var yaml = IntStream.range(0, 8)
                .mapToObj(n -> "  - id: t" + n + "\n    type: handler\n    handler: sleep\n    input: { ms: 15000 }\n")
                .collect(Collectors.joining("", "tasks:\n", ""));
        var dag = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", "slow").put("yaml", yaml).encode());
        assertThat(dag.statusCode()).as(dag.body()).isEqualTo(201);
        var run = node.post("/api/v1/dags/" + new JsonObject(dag.body()).getString("id") + "/runs", "{}");
        assertThat(run.statusCode()).as(run.body()).isEqualTo(202);
        return new JsonObject(run.body()).getString("runId");
    }

    private static void signal(NodeProcess node, String name) throws Exception {
        var kill = new ProcessBuilder(List.of("kill", "-" + name, Long.toString(node.pid()))).start();
        assertThat(kill.waitFor()).isZero();
    }

    private static String body(NodeProcess node, String path) {
        try {
            return node.get(path).body();
        } catch (IOException e) {
            throw new AssertionError(path, e);
        }
    }

    private String value(String sql) {
        return database.value(sql);
    }
}
