package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Etcd;
import dev.orrery.testing.Needed;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.OwnProcesses;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Remote workers beside two real nodes of a cluster: who dies, node or worker, is made up for by those that are left. */
class RemoteWorkersInAClusterE2E {

    private static final Pattern REGISTERED = Pattern.compile("registered as");

    /** A node that dies is given up, and another one leads. */
    private static final Duration TAKEN_OVER = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    private final List<Process> workers = new ArrayList<>();
    private Postgres server;
    private TestDatabase database;
    private Etcd etcd;

    @BeforeEach
    void open() {
        Needed.program("python3", "python3");
        etcd = Etcd.start(1);
        server = Postgres.safe();
        database = server.empty();
    }

    @AfterEach
    void close() {
        workers.forEach(Process::destroyForcibly);
        database.close();
        server.close();
        etcd.close();
    }

    @Test
    void aWorkerOutlivesItsNodeAndTheNodeThatIsLeftGivesUpAWorkerThatDied() throws Exception {
        try (var first = start("first");
                var second = start("second")) {
            var urls = first.address() + "," + second.address();
            var stays = work("stays", urls, 15_000);
            var run = trigger(second, "outlived", 6);
            untilItHasBegun(second, run);

            first.kill();

            assertThat(ended(second, run)).isEqualTo("succeeded");
            assertThat(attempts(run)).isEqualTo("1 succeeded");
            assertThat(REGISTERED.matcher(said("stays")).results()).hasSize(1);
            assertThat(said("stays")).doesNotContain("given up", "no more");
            stays.destroy();
            assertThat(stays.waitFor(20, TimeUnit.SECONDS)).isTrue();

            var dies = work("dies", urls, 2_500);
            var orphan = trigger(second, "orphaned", 2);
            untilItHasBegun(second, orphan);
            dies.destroyForcibly();
            work("heir", urls, 15_000);

            assertThat(ended(second, orphan)).isEqualTo("succeeded");
            assertThat(attempts(orphan)).isEqualTo("1 lost, 2 succeeded");
        }
    }

    private NodeProcess start(String name) throws IOException {
        return NodeProcess.start(
                folder.resolve(name),
                "--config",
                "conf/cluster.yaml",
                "--database-url",
                database.url(),
                "--etcd",
                etcd.endpoints().getFirst());
    }

    private Process work(String name, String urls, int leaseMillis) throws IOException {
        var builder = NodeProcess.withoutSettings(new ProcessBuilder(
                        "python3",
                        Path.of("conf/examples/workers/worker.py")
                                .toAbsolutePath()
                                .toString()))
                .redirectErrorStream(true)
                .redirectOutput(log(name).toFile());
        var environment = builder.environment();
        environment.put("ORRERY_URL", urls);
        environment.put("WORKER_NAME", name);
        environment.put("WORKER_SLOTS", "1");
        environment.put("WORKER_LEASE_MS", Integer.toString(leaseMillis));
        var worker = OwnProcesses.own(builder.start());
        workers.add(worker);
        until(name + " is registered", () -> said(name).contains("registered as"));
        return worker;
    }

    private Path log(String worker) {
        return folder.resolve(worker + ".log");
    }

    private String said(String worker) {
        try {
            return Files.readString(log(worker), UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String trigger(NodeProcess node, String name, int seconds) throws IOException {
        var yaml = "tasks: [{id: a, type: agent, handler: wait, input: {seconds: " + seconds
                + "}, retry: {maxAttempts: 1}}]";
        var dag = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", name).put("yaml", yaml).encode());
        assertThat(dag.statusCode()).as(dag.body()).isEqualTo(201);
        var run = node.post("/api/v1/dags/" + new JsonObject(dag.body()).getString("id") + "/runs", "{}");
        assertThat(run.statusCode()).as(run.body()).isEqualTo(202);
        return new JsonObject(run.body()).getString("runId");
    }

    private static void untilItHasBegun(NodeProcess node, String run) {
        until(
                "its work has begun",
                () -> body(node, "/api/v1/runs/" + run + "/tasks/a/logs").contains("second 1 of"));
    }

    private static String ended(NodeProcess node, String run) {
        until("the run has ended", TAKEN_OVER, () -> !state(node, run).equals("running"));
        return state(node, run);
    }

    private static String state(NodeProcess node, String run) {
        return new JsonObject(body(node, "/api/v1/runs/" + run)).getString("state");
    }

    private static String body(NodeProcess node, String path) {
        try {
            return node.get(path).body();
        } catch (IOException e) {
            throw new AssertionError(path, e);
        }
    }

    private String attempts(String run) {
        return database.value("SELECT string_agg(a.attempt || ' ' || a.outcome, ', ' ORDER BY a.attempt)"
                + " FROM orrery.task_attempts a WHERE a.task_id = orrery.instance_id('" + run + "', 1)");
    }
}
