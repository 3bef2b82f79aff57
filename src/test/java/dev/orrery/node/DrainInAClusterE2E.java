package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar, twice on one database: one node is told to stop under a steady load, and the other goes on with all of it. */
class DrainInAClusterE2E {

    private static final int SLOTS = 4;

    /** Promised is a second; the rest is for a machine that has much else to do. */
    private static final Duration HANDED_BACK = Duration.ofMillis(2_500);

    private static final Duration LONG = Duration.ofMinutes(2);

    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    @TempDir
    Path folder;

    private final AtomicInteger numbers = new AtomicInteger();
    private final Queue<String> accepted = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean enough = new AtomicBoolean();
    private Postgres server;
    private TestDatabase database;
    private Etcd etcd;

    @BeforeEach
    void open() {
        etcd = Etcd.start(1);
        server = Postgres.safe();
        database = server.empty();
    }

    @AfterEach
    void close() {
        enough.set(true);
        database.close();
        server.close();
        etcd.close();
    }

    @Test
    void theOtherNodeTakesOverAtOnceNothingIsLostAndNothingIsDoneTwice() throws Exception {
        try (var first = start("first", "default,long");
                var second = start("second", "default")) {
            var leader = "SELECT epoch FROM leadership WHERE node_id = '" + idOf(first) + "'";
            until(
                    "the first node leads",
                    () -> !database.value("SELECT count(*) FROM (" + leader + ") l")
                            .equals("0"));
            var clients = List.of(client(first, second), client(second, first));
            fill(first);
            awaitUnbegun(first);
            var lasts =
                    submit(first.address(), first.address(), task("sleep 15").put("queue", "long"));
            until("it is begun", () -> isRunning(lasts));

            first.signal("TERM");

            awaitHandedBack(first);
            assertThat(first.get("/health/ready").statusCode())
                    .as("balancers hear of it while it still answers")
                    .isEqualTo(503);
            assertThat(first.get("/api/v1/tasks?limit=1").statusCode()).isEqualTo(200);
            var late = submit(first.address(), first.address(), task(":"));
            until(
                    "what it takes now is done elsewhere",
                    LONG,
                    () -> nodeOf(late).equals(idOf(second)));
            until(
                    "the other node leads",
                    Duration.ofSeconds(10),
                    () -> database.value("SELECT node_id FROM leadership").equals(idOf(second)));
            assertThat(first.awaitEnd(Duration.ofSeconds(60)))
                    .as(first.output())
                    .isZero();
            var before = accepted.size();
            until("clients go on with the node that is left", () -> accepted.size() > before + 20);
            enough.set(true);
            for (var client : clients) {
                client.join();
            }
            until("everything has ended", LONG, () -> notEnded() == 0);

            assertThat(database.value("SELECT count(DISTINCT task_id) FROM task_attempts WHERE state = 'succeeded'"))
                    .as("every task that was accepted, and no other")
                    .isEqualTo(Integer.toString(accepted.size()));
            assertThat(database.value("SELECT count(*) FROM task_attempts"))
                    .as("each at the first try")
                    .isEqualTo(Integer.toString(accepted.size()));
            assertThat(Files.readAllLines(folder.resolve("done")))
                    .doesNotHaveDuplicates()
                    .hasSize(accepted.size());
            assertThat(second.stop()).as(second.output()).isZero();
        }
    }

    @Test
    void anEtcdThatDoesNotAnswerKeepsNothingFromBeingHandedBack() throws Exception {
        try (var first = start("first", "default,long");
                var second = start("second", "default")) {
            var clients = List.of(client(first, second), client(second, first));
            fill(first);
            awaitUnbegun(first);
            etcd.freeze(etcd.member(1));

            first.signal("TERM");

            awaitHandedBack(first);
            assertThat(first.awaitEnd(Duration.ofSeconds(60)))
                    .as(first.output())
                    .isZero();
            enough.set(true);
            for (var client : clients) {
                client.join();
            }
            until("everything has ended", LONG, () -> notEnded() == 0);
            assertThat(Files.readAllLines(folder.resolve("done")))
                    .doesNotHaveDuplicates()
                    .hasSize(accepted.size());
        }
    }

    private NodeProcess start(String name, String queues) throws IOException {
        return NodeProcess.start(
                folder.resolve(name),
                "--config",
                "conf/cluster.yaml",
                "--database-url",
                database.url(),
                "--etcd",
                etcd.endpoints().getFirst(),
                "--set",
                "node.name=" + name,
                "--set",
                "workers.queues=" + queues,
                "--set",
                "workers.size=2",
                "--set",
                "workers.concurrency=2",
                // So that each node holds much that it has not begun.
                "--set",
                "router.lead-time=10s");
    }

    /** As behind a balancer: whoever is not answered by one node asks the other one, with the same key. */
    private Thread client(NodeProcess preferred, NodeProcess other) {
        return Thread.ofVirtual().start(() -> {
            while (!enough.get()) {
                LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
                try {
                    submit(preferred.address(), other.address(), task("sleep 0.2"));
                } catch (IOException gone) {
                    return;
                }
            }
        });
    }

    /** At once more than the nodes hold. */
    private void fill(NodeProcess node) throws IOException {
        var tasks = new JsonArray();
        for (var n = 0; n < 300; n++) {
            tasks.add(task("sleep 0.2"));
        }
        var answer = node.post(
                "/api/v1/tasks/batch", new JsonObject().put("tasks", tasks).encode());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        new JsonObject(answer.body())
                .getJsonArray("tasks")
                .forEach(made -> accepted.add(((JsonObject) made).getString("id")));
    }

    /** One that leaves its number when it runs. */
    private JsonObject task(String command) {
        var number = numbers.incrementAndGet();
        return new JsonObject()
                .put("type", "shell")
                .put("name", "task-" + number)
                .put("command", "echo " + number + " >> " + folder.resolve("done") + "; " + command);
    }

    private String submit(URI node, URI other, JsonObject task) throws IOException {
        HttpResponse<String> answer;
        try {
            answer = post(node, task);
        } catch (IOException gone) {
            answer = post(other, task);
        }
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        var id = new JsonObject(answer.body()).getString("id");
        accepted.add(id);
        return id;
    }

    private static HttpResponse<String> post(URI node, JsonObject task) throws IOException {
        try {
            return HTTP.send(
                    HttpRequest.newBuilder(node.resolve("/api/v1/tasks"))
                            .timeout(Duration.ofSeconds(30))
                            .header("Content-Type", "application/json")
                            .header("Idempotency-Key", task.getString("name"))
                            .POST(HttpRequest.BodyPublishers.ofString(task.encode()))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private String idOf(NodeProcess node) {
        return database.value("SELECT id FROM nodes WHERE pid = " + node.pid());
    }

    /** By which node a task was done; empty as long as it was not. */
    private String nodeOf(String task) {
        return database.value("SELECT coalesce(max(node_id::text), '') FROM task_attempts WHERE task_id = '" + task
                + "' AND state = 'succeeded'");
    }

    private boolean isRunning(String task) {
        return database.value("SELECT count(*) FROM task_attempts WHERE outcome IS NULL AND task_id = '" + task + "'")
                .equals("1");
    }

    private int held(NodeProcess node) {
        return Integer.parseInt(database.value(
                "SELECT coalesce(sum(open_count), 0) FROM claim_batches WHERE node_id = '" + idOf(node) + "'"));
    }

    private void awaitUnbegun(NodeProcess node) {
        until("the node holds what it has not begun", Duration.ofSeconds(60), () -> held(node) > SLOTS + 8);
    }

    private void awaitHandedBack(NodeProcess node) {
        var begun = System.nanoTime();
        until("what has not begun is handed back", Duration.ofSeconds(60), () -> held(node) <= SLOTS);
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(HANDED_BACK);
    }

    private int notEnded() {
        return Integer.parseInt(
                database.value("SELECT (SELECT count(*) FROM task_ready) + (SELECT count(*) FROM claim_batches)"
                        + " + (SELECT count(*) FROM task_timers)"));
    }
}
