package dev.orrery.bench;

import dev.orrery.store.Migrations;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The measurements of {@code scripts/bench}, one after the other on one node. */
public final class Bench {

    private static final int IN_FLIGHT = 24;

    private final Target target;
    private final Effort effort;
    private final int tasks;
    private final Map<String, Double> figures = new LinkedHashMap<>();

    private Bench(Target target, Effort effort, int tasks) {
        this.target = target;
        this.effort = effort;
        this.tasks = tasks;
    }

    /**
     * How often things are done, those that only warm up among them.
     *
     * @param rounds of which the middle one is told
     * @param starts runs of one task, one after the other
     * @param chains runs of a chain, one after the other
     */
    private record Effort(int tasks, int warmUps, int rounds, int starts, int chains) {

        static final Effort FULL = new Effort(50_000, 10, 3, 400, 20);
        static final Effort SHORT = new Effort(1_000, 1, 1, 20, 4);

        /** What came earlier only warmed up. */
        boolean counts(int number, int all) {
            return number >= all / 4;
        }
    }

    /**
     * {@code [--cluster | --jobs | --queue | --claims] [--short] [--churn MINUTES] [--tasks N] [--json FILE] [--server URL --data-dir FOLDER --pid PID]}; without a server
     * it starts a node.
     */
    public static void main(String[] arguments) throws Exception {
        var words = new ArrayList<>(List.of(arguments));
        var isCluster = words.remove("--cluster");
        var isJobs = words.remove("--jobs");
        var isQueue = words.remove("--queue");
        var isClaims = words.remove("--claims");
        var isShort = words.remove("--short");
        var effort = isShort ? Effort.SHORT : Effort.FULL;
        var options = options(words);
        if (isCluster) {
            write(ClusterBench.run(Integer.parseInt(options.getOrDefault("--tasks", "20000"))), options);
            return;
        }
        if (isJobs) {
            write(JobsBench.run(isShort ? 20_000 : 1_000_000), options);
            return;
        }
        if (isClaims) {
            var churn = Duration.ofMinutes(Integer.parseInt(options.getOrDefault("--churn", isShort ? "0" : "10")));
            write(claims(churn, isShort ? 100_000 : 1_000_000), options);
            return;
        }
        if (options.containsKey("--server")) {
            run(
                    new Target(
                            URI.create(options.get("--server")),
                            Path.of(options.get("--data-dir")),
                            Long.parseLong(options.get("--pid"))),
                    effort,
                    options);
            return;
        }
        var folder = Files.createTempDirectory("orrery-bench");
        if (isQueue) {
            try (var node = NodeProcess.start(folder.resolve("data"), "--set", "log.level=WARN")) {
                var target = new Target(node.address(), folder.resolve("data"), node.pid());
                var bench = new Bench(target, effort, 0);
                new QueueBench(node.address(), target, bench::figure)
                        .run(Integer.parseInt(options.getOrDefault("--tasks", isShort ? "5000" : "200000")));
                QueueNodes.order(isShort ? 2_000 : 10_000, folder, bench::figure);
                write(bench.figures, options);
            } finally {
                delete(folder);
            }
            return;
        }
        try (var node = NodeProcess.start(folder.resolve("data"), "--set", "log.level=WARN")) {
            run(new Target(node.address(), folder.resolve("data"), node.pid()), effort, options);
        } finally {
            delete(folder);
        }
    }

    private static Map<String, Double> claims(Duration churn, int largest) throws SQLException {
        var figures = new LinkedHashMap<String, Double>();
        try (var server = Postgres.onDisk("max_wal_size=4GB")) {
            // The small queue goes through the same: only so can the large one be compared with it.
            for (var size : List.of(1_000, largest)) {
                try (var database = server.empty()) {
                    Migrations.run(database.jdbcUrl(), database.user(), database.password());
                    new ClaimsBench(database::connect, (name, cost) -> {
                                System.out.printf(
                                        Locale.ROOT, "%-82s %,6d pages %8.2f ms%n", name, cost.pages(), cost.millis());
                                figures.put(name + ", pages", (double) cost.pages());
                                figures.put(name + ", ms", cost.millis());
                            })
                            .run(churn, size);
                }
            }
        }
        return figures;
    }

    private static void write(Map<String, Double> figures, Map<String, String> options) throws IOException {
        if (options.containsKey("--json")) {
            Files.writeString(Path.of(options.get("--json")), json(figures));
        }
    }

    private static Map<String, String> options(List<String> words) {
        var options = new LinkedHashMap<String, String>();
        for (var n = 0; n + 1 < words.size(); n += 2) {
            options.put(words.get(n), words.get(n + 1));
        }
        return options;
    }

    private static void run(Target target, Effort effort, Map<String, String> options) throws Exception {
        var tasks = options.get("--tasks");
        var bench = new Bench(target, effort, tasks == null ? effort.tasks() : Integer.parseInt(tasks));
        bench.measure();
        write(bench.figures, options);
    }

    private void measure() throws Exception {
        var single = target.publish("bench-one", "tasks:\n" + task("t", ""));
        var parallel = target.publish("bench-parallel", "tasks:\n" + repeat(100, n -> task("t" + n, "")));
        var chain = target.publish(
                "bench-chain", "tasks:\n" + repeat(100, n -> task("t" + n, n == 0 ? "" : "[t" + (n - 1) + "]")));
        warmUp(single, parallel, chain);
        throughputAndYardstick(parallel);
        throughput("in chains of 100", List.of(run(chain, tasks / 100, 100)));
        submissions(single);
        startLatency(single);
        hops(chain);
        shellChain();
        memory();
    }

    private void warmUp(String... dags) throws Exception {
        for (var dag : dags) {
            for (var round = 0; round < effort.warmUps(); round++) {
                target.triggerMany(dag, 100, IN_FLIGHT);
                target.awaitIdle();
            }
        }
    }

    /** In turns, since only what was measured at the same time can be compared. */
    private void throughputAndYardstick(String parallel) throws Exception {
        var raw = new ArrayList<RawDatabase.Speed>();
        var product = new ArrayList<Cost>();
        for (var round = 0; round < effort.rounds(); round++) {
            raw.add(new RawDatabase(target.dataDir()).measure(tasks));
            product.add(run(parallel, tasks / 100, 100));
        }
        figure("raw database, insert", "tasks/s", median(raw, RawDatabase.Speed::insert));
        figure("raw database, claim and complete", "tasks/s", median(raw, RawDatabase.Speed::drain));
        figure("raw database, the whole cycle", "tasks/s", median(raw, RawDatabase.Speed::cycle));
        throughput("in runs of 100 in parallel", product);
        figure(
                "runs of 100 in parallel / raw cycle",
                "",
                figures.get("throughput in runs of 100 in parallel") / figures.get("raw database, the whole cycle"));
    }

    /** What a throughput cost: tasks a second, CPU time in µs and bytes of WAL for each task. */
    private record Cost(double perSecond, double nodeCpu, double databaseCpu, double wal) {}

    /** From the first request to the end of the last run. */
    private Cost run(String dag, int runs, int tasksOfRun) throws Exception {
        var count = runs * (double) tasksOfRun;
        var nodeCpu = target.nodeCpu();
        var databaseCpu = target.databaseCpu();
        var wal = target.walBytes();
        var began = System.nanoTime();
        target.triggerMany(dag, runs, IN_FLIGHT);
        target.awaitIdle();
        var seconds = (System.nanoTime() - began) / 1e9;
        return new Cost(
                count / seconds,
                (target.nodeCpu() - nodeCpu) * 1e6 / count,
                (target.databaseCpu() - databaseCpu) * 1e6 / count,
                (target.walBytes() - wal) / count);
    }

    private void throughput(String shape, List<Cost> rounds) {
        figure("throughput " + shape, "tasks/s", median(rounds, Cost::perSecond));
        figure("  node CPU " + shape, "µs/task", median(rounds, Cost::nodeCpu));
        figure("  PostgreSQL CPU " + shape, "µs/task", median(rounds, Cost::databaseCpu));
        figure("  WAL " + shape, "bytes/task", median(rounds, Cost::wal));
    }

    private static <T> double median(List<T> rounds, ToDoubleFunction<T> value) {
        return percentile(rounds.stream().map(value::applyAsDouble).toList(), 50);
    }

    /** Accepted runs a second, and how long until the last of them has been executed. */
    private void submissions(String dag) throws Exception {
        var began = System.nanoTime();
        target.triggerMany(dag, tasks, IN_FLIGHT);
        figure(
                "submissions of single runs, " + IN_FLIGHT + " in flight",
                "runs/s",
                tasks / ((System.nanoTime() - began) / 1e9));
        target.awaitIdle();
        figure("throughput in runs of 1", "tasks/s", tasks / ((System.nanoTime() - began) / 1e9));
    }

    /** From just before the request is sent to the start of the handler, one at a time on an idle node. */
    private void startLatency(String dag) throws Exception {
        var samples = new ArrayList<Double>();
        for (var n = 0; n < effort.starts(); n++) {
            var sent = Instant.now();
            var run = target.trigger(dag);
            Thread.sleep(10); // a question in between would be in the way of what is measured
            target.awaitIdle();
            var sentMicros = sent.getEpochSecond() * 1e6 + sent.getNano() / 1e3;
            var started = target.numbers(
                    "SELECT extract(epoch FROM started_at) * 1e6 FROM dag_runs WHERE id = '" + run + "'");
            if (effort.counts(n, effort.starts())) {
                samples.add((started.getFirst() - sentMicros) / 1e3);
            }
        }
        figure("POST to handler start, p50", "ms", percentile(samples, 50));
        figure("POST to handler start, p99", "ms", percentile(samples, 99));
    }

    /** From the start of a task to the start of the next one. */
    private void hops(String chain) throws Exception {
        var hops = new ArrayList<Double>();
        for (var n = 0; n < effort.chains(); n++) {
            var run = target.trigger(chain);
            target.awaitIdle();
            if (effort.counts(n, effort.chains())) {
                hops.addAll(target.numbers("SELECT extract(epoch FROM started_at - lag(started_at) OVER (ORDER BY"
                        + " started_at)) * 1e3 AS hop FROM task_attempts WHERE task_id BETWEEN '" + run
                        + "' AND instance_id('" + run + "', 2147483647) ORDER BY hop NULLS FIRST OFFSET 1"));
            }
        }
        figure("hop of a chain, p50", "ms", percentile(hops, 50));
        figure("hop of a chain, p99", "ms", percentile(hops, 99));
    }

    private void shellChain() throws Exception {
        var dag = target.publish(
                "bench-shell",
                "tasks:\n"
                        + repeat(
                                40,
                                n -> "  - id: t" + n + "\n    type: shell\n    command: 'true'\n"
                                        + (n == 0 ? "" : "    dependencies: [t" + (n - 1) + "]\n")));
        var samples = new ArrayList<Double>();
        for (var n = 0; n < 4; n++) {
            var began = System.nanoTime();
            target.trigger(dag);
            target.awaitIdle();
            samples.add((System.nanoTime() - began) / 1e6);
        }
        figure("40 shell tasks in a chain, each", "ms", percentile(samples.subList(1, 4), 50) / 40);
    }

    private void memory() throws Exception {
        figure("resident memory of the node, idle", "MB", target.residentMegabytes());
        var dag = target.publish(
                "bench-waiting",
                "tasks:\n  - id: gate\n    type: handler\n    handler: sleep\n" + "    input: { ms: 60000 }\n"
                        + repeat(9_999, n -> task("t" + n, "[gate]")));
        var runs = new ArrayList<String>();
        for (var n = 0; n < 10; n++) {
            runs.add(target.trigger(dag));
        }
        Thread.sleep(2_000);
        figure("resident memory of the node, 100,000 tasks waiting", "MB", target.residentMegabytes());
        for (var run : runs) {
            target.cancel(run);
        }
        target.awaitIdle();
    }

    private static String task(String id, String dependencies) {
        return "  - id: " + id + "\n    type: handler\n    handler: noop\n"
                + (dependencies.isEmpty() ? "" : "    dependencies: " + dependencies + "\n");
    }

    private static String repeat(int count, java.util.function.IntFunction<String> text) {
        return IntStream.range(0, count).mapToObj(text).collect(Collectors.joining());
    }

    private static double percentile(List<Double> samples, int percent) {
        var sorted = samples.stream().sorted().toList();
        return sorted.get(Math.min(sorted.size() - 1, sorted.size() * percent / 100));
    }

    private void figure(String name, String unit, double value) {
        figures.put(name.strip(), value);
        print(name, unit, value);
    }

    private static void print(String name, String unit, double value) {
        var number =
                value >= 100 ? String.format(Locale.ROOT, "%,.0f", value) : String.format(Locale.ROOT, "%.2f", value);
        System.out.printf(Locale.ROOT, "%-58s %12s %s%n", name, number, unit);
    }

    private static String json(Map<String, Double> figures) {
        return figures.entrySet().stream()
                .map(figure ->
                        "  \"" + figure.getKey() + "\": " + String.format(Locale.ROOT, "%.3f", figure.getValue()))
                .collect(Collectors.joining(",\n", "{\n", "\n}\n"));
    }

    static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
