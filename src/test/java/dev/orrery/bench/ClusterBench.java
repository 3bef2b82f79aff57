package dev.orrery.bench;

import dev.orrery.testing.Await;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What a cluster gives and what it costs: {@code scripts/bench --cluster}. Everything runs on this machine. */
final class ClusterBench implements AutoCloseable {

    private static final int NODES = 3;
    private static final int ROUNDS = 5;
    private static final int TASKS_OF_RUN = 100;
    private static final int IN_FLIGHT = 16;
    private static final Duration WORK_LIMIT = Duration.ofMinutes(3);

    /** Enough slots that the database is asked often, few enough that two cores are not the limit. */
    private static final int SLOTS = 32;

    private static final String[] WAITING_SETTINGS = {
        "--set", "workers.size=4", "--set", "workers.concurrency=" + SLOTS / 4, "--set", "log.level=WARN"
    };

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final int tasks;
    private final Path folder;
    private final Postgres server;
    private final Etcd etcd;
    private final Map<String, Double> figures = new LinkedHashMap<>();
    private int folders;

    private ClusterBench(int tasks) throws IOException {
        this.tasks = tasks;
        this.folder = Files.createTempDirectory("orrery-bench");
        this.server = Postgres.onDisk("max_connections=300");
        this.etcd = Etcd.start(3);
    }

    /** Prints each figure as it comes; answers them all. */
    static Map<String, Double> run(int tasks) throws Exception {
        try (var bench = new ClusterBench(tasks)) {
            bench.waitingTasks();
            bench.costForOneNode();
            bench.joinsAndLeaders();
            return bench.figures;
        }
    }

    private NodeProcess start(TestDatabase database, boolean isClustered, String... settings) throws IOException {
        var arguments = new ArrayList<>(List.of("--database-url", database.url()));
        if (isClustered) {
            // A cluster of its own for each database.
            arguments.addAll(List.of("--etcd", String.join(",", etcd.endpoints())));
            arguments.addAll(List.of("--set", "etcd.prefix=/" + database.name()));
        }
        arguments.addAll(List.of(settings));
        return NodeProcess.start(folder.resolve("data-" + folders++), arguments.toArray(String[]::new));
    }

    /** One, two and three nodes, on tasks that wait instead of computing. */
    private void waitingTasks() throws Exception {
        try (var database = server.empty()) {
            var nodes = new ArrayList<NodeProcess>();
            try {
                for (var count = 1; count <= NODES; count++) {
                    nodes.add(start(database, true, WAITING_SETTINGS));
                    var dag = publish(
                            nodes.getFirst(), "waiting-" + count, "    handler: sleep\n    input: { ms: 50 }\n");
                    var amount = SLOTS * count * 20 * 6; // six seconds of what the slots can do at best
                    throughput(database, nodes, dag, amount); // a node that just came up compiles its code first
                    var rates = new ArrayList<Double>();
                    for (var round = 0; round < ROUNDS; round++) {
                        rates.add(throughput(database, nodes, dag, amount));
                    }
                    figure("tasks of 50 ms, nodes: " + count, "tasks/s", median(rates));
                }
                var one = figures.get("tasks of 50 ms, nodes: 1");
                figure("  two nodes / one", "", figures.get("tasks of 50 ms, nodes: 2") / one);
                figure("  three nodes / one", "", figures.get("tasks of 50 ms, nodes: 3") / one);
            } finally {
                nodes.forEach(NodeProcess::close);
            }
        }
    }

    /** A node alone against a node that is a cluster of one, in turns. */
    private void costForOneNode() throws Exception {
        try (var mine = server.empty();
                var ours = server.empty();
                var alone = start(mine, false, "--set", "log.level=WARN");
                var clustered = start(ours, true, "--set", "log.level=WARN")) {
            var aloneDag = publish(alone, "cost", "    handler: noop\n");
            var clusteredDag = publish(clustered, "cost", "    handler: noop\n");
            var standalone = new ArrayList<Double>();
            var cluster = new ArrayList<Double>();
            for (var round = -3; round < ROUNDS; round++) {
                var first = throughput(mine, List.of(alone), aloneDag, tasks);
                var second = throughput(ours, List.of(clustered), clusteredDag, tasks);
                if (round >= 0) {
                    standalone.add(first);
                    cluster.add(second);
                }
            }
            figure("one node, standalone", "tasks/s", median(standalone));
            figure("one node, as a cluster", "tasks/s", median(cluster));
            figure("  cost of being a cluster", "%", 100 * (1 - median(cluster) / median(standalone)));
        }
    }

    /** Until a node that joins is ready, and until another one leads. */
    private void joinsAndLeaders() throws Exception {
        var joins = new ArrayList<Double>();
        var deaths = new ArrayList<Double>();
        var handOvers = new ArrayList<Double>();
        try (var database = server.empty()) {
            var nodes = new ArrayList<NodeProcess>();
            try {
                for (var n = 0; n < NODES; n++) {
                    nodes.add(start(database, true, "--set", "log.level=WARN"));
                }
                for (var round = 0; round < 2 * ROUNDS; round++) {
                    var isDeath = round % 2 == 0;
                    var leader = leader(database, nodes);
                    nodes.remove(leader);
                    (isDeath ? deaths : handOvers).add(seconds(database, leader, isDeath));
                    var began = System.nanoTime();
                    nodes.add(start(database, true, "--set", "log.level=WARN"));
                    joins.add((System.nanoTime() - began) / 1e9);
                }
            } finally {
                nodes.forEach(NodeProcess::close);
            }
        }
        figureOf("a node joins, from its start to ready", joins);
        figureOf("another one leads after kill -9 of the leader", deaths);
        figureOf("another one leads after SIGTERM of the leader", handOvers);
    }

    private static NodeProcess leader(TestDatabase database, List<NodeProcess> nodes) {
        var sql = "SELECT coalesce((SELECT n.pid FROM orrery.leadership l JOIN orrery.nodes n ON n.id = l.node_id"
                + " WHERE n.fenced_at IS NULL), 0)";
        Await.until(
                "a node leads",
                () -> nodes.stream().anyMatch(node -> database.value(sql).equals(Long.toString(node.pid()))));
        var pid = Long.parseLong(database.value(sql));
        return nodes.stream().filter(node -> node.pid() == pid).findFirst().orElseThrow();
    }

    private static double seconds(TestDatabase database, NodeProcess leader, boolean isDeath) {
        var epoch = database.value("SELECT epoch FROM orrery.leadership");
        var began = System.nanoTime();
        var ending = Thread.startVirtualThread(isDeath ? leader::kill : leader::stop);
        Await.until(
                "another node leads",
                () -> !database.value("SELECT epoch FROM orrery.leadership").equals(epoch));
        var seconds = (System.nanoTime() - began) / 1e9;
        Await.until("the node has ended", Duration.ofSeconds(90), () -> !ending.isAlive());
        return seconds;
    }

    private String publish(NodeProcess node, String name, String body) throws IOException {
        var yaml = IntStream.range(0, TASKS_OF_RUN)
                .mapToObj(n -> "  - id: t" + n + "\n    type: handler\n" + body)
                .collect(Collectors.joining("", "tasks:\n", ""));
        var answer = node.post(
                "/api/v1/dags",
                new JsonObject().put("name", name).put("yaml", yaml).encode());
        if (answer.statusCode() != 201) {
            throw new IllegalStateException(answer.body());
        }
        return new JsonObject(answer.body()).getString("id");
    }

    /** Tasks a second, from the first request to the end of the last run. */
    private double throughput(TestDatabase database, List<NodeProcess> nodes, String dag, int amount) throws Exception {
        var runs = Math.max(1, amount / TASKS_OF_RUN);
        var began = System.nanoTime();
        trigger(nodes, dag, runs);
        try (var connection = database.connect();
                var query = connection.prepareStatement(
                        "SELECT EXISTS (SELECT FROM dag_runs WHERE tenant_id = 1 AND state IN ('pending', 'running'))")) {
            var limit = System.nanoTime() + WORK_LIMIT.toNanos();
            while (true) {
                try (var rows = query.executeQuery()) {
                    if (rows.next() && !rows.getBoolean(1)) {
                        return runs * TASKS_OF_RUN / ((System.nanoTime() - began) / 1e9);
                    }
                }
                if (System.nanoTime() > limit) {
                    throw new IllegalStateException("the work is not done after " + WORK_LIMIT.toSeconds() + " s");
                }
                Thread.sleep(5);
            }
        }
    }

    private void trigger(List<NodeProcess> nodes, String dag, int runs) throws InterruptedException {
        var slots = new Semaphore(IN_FLIGHT);
        var refused = new AtomicInteger();
        for (var n = 0; n < runs; n++) {
            slots.acquire();
            var request = HttpRequest.newBuilder(
                            nodes.get(n % nodes.size()).address().resolve("/api/v1/dags/" + dag + "/runs"))
                    .timeout(Duration.ofSeconds(60))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString("{}"))
                    .build();
            var _ = http.sendAsync(request, BodyHandlers.discarding()).whenComplete((answer, error) -> {
                if (error != null || answer.statusCode() != 202) {
                    refused.incrementAndGet();
                }
                slots.release();
            });
        }
        slots.acquire(IN_FLIGHT);
        if (refused.get() > 0) {
            throw new IllegalStateException(refused + " submissions were refused");
        }
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private void figureOf(String name, List<Double> seconds) {
        figure(name + ", median", "s", median(seconds));
        figure(name + ", worst", "s", seconds.stream().max(Double::compare).orElseThrow());
    }

    private void figure(String name, String unit, double value) {
        figures.put(name.strip(), value);
        var number = String.format(Locale.ROOT, value >= 100 ? "%,.0f" : "%.2f", value);
        System.out.printf(Locale.ROOT, "%-58s %12s %s%n", name, number, unit);
    }

    @Override
    public void close() throws IOException {
        etcd.close();
        server.close();
        Bench.delete(folder);
    }
}
