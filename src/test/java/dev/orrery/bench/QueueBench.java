package dev.orrery.bench;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * How many single tasks a node takes in, one by one and in batches, how fast it does them where they wait for one another, and
 * how exact their order is: {@code scripts/bench --queue}. What is taken in waits in a queue that is paused, so that nothing
 * else is measured.
 */
final class QueueBench {

    private static final String TASKS = "/api/v1/tasks";
    private static final String QUEUE = "bench";
    private static final String QUEUES = "/api/v1/queues/" + QUEUE;
    private static final int IN_FLIGHT = 24;
    private static final int BATCH = 1_000;
    private static final int BATCHES_IN_FLIGHT = 4;

    /** Different ones, written before the time counts. */
    private static final int BODIES = 16;

    private static final int DEPENDENT_PERCENT = 50;
    private static final int ROUNDS = 3;
    private static final long SEED = 20_260;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final URI address;
    private final Target target;
    private final EventsBench.Figures figures;

    QueueBench(URI address, Target target, EventsBench.Figures figures) {
        this.address = address;
        this.target = target;
        this.figures = figures;
    }

    /** {@code tasks}: how many are done; a fifth of them is submitted one by one. */
    void run(int tasks) throws IOException, InterruptedException, SQLException {
        send(1, 1, TASKS, _ -> task(5).encode()); // A queue is there once a task has named it.
        target.awaitQueueEmpty();
        submissions(tasks / 5, tasks / 2 / BATCH * BATCH);
        drain(tasks);
        order(Math.min(tasks, 5_000));
    }

    /** In turns with the yardstick, since only what was measured at the same time can be compared. */
    private void submissions(int singles, int batched) throws IOException, InterruptedException, SQLException {
        var raw = new ArrayList<Double>();
        var one = new ArrayList<Double>();
        var many = new ArrayList<Double>();
        var single = new LightClient(address, TASKS, List.of(task(5).encode()), 201);
        var bodies =
                IntStream.range(0, BODIES).mapToObj(QueueBench::independent).toList();
        var batch = new LightClient(address, TASKS + "/batch", bodies, 201);
        for (var round = 0; round < ROUNDS; round++) {
            raw.add(new RawDatabase(target.dataDir()).measure(batched).insert());
            pause();
            one.add(rate(singles, () -> single.send(singles, IN_FLIGHT)));
            many.add(rate(batched, () -> batch.send(batched / BATCH, BATCHES_IN_FLIGHT)));
            resume();
            target.awaitQueueEmpty();
        }
        var insert = best(raw);
        figures.add("raw database, insert", "rows/s", insert);
        figures.add("single tasks submitted, " + IN_FLIGHT + " in flight", "tasks/s", best(one));
        figures.add("  of the raw insert", "", best(one) / insert);
        figures.add("tasks submitted in batches of " + BATCH, "tasks/s", best(many));
        figures.add("  of the raw insert, in batches of " + BATCH, "", best(many) / insert);
    }

    /** From the moment at which all of them may begin. */
    private void drain(int tasks) throws IOException, InterruptedException, SQLException {
        var raw = new RawDatabase(target.dataDir()).measure(tasks).drain();
        pause();
        send(tasks / BATCH, BATCHES_IN_FLIGHT, TASKS + "/batch", QueueBench::entangled);
        var nodeCpu = target.nodeCpu();
        var databaseCpu = target.databaseCpu();
        var done = rate(tasks, () -> {
            resume();
            target.awaitQueueEmpty();
        });
        figures.add("raw database, claim and complete", "rows/s", raw);
        figures.add("tasks done, half of them waiting for others", "tasks/s", done);
        figures.add("  of the raw claim and complete", "", done / raw);
        figures.add("  node CPU of a task", "µs", (target.nodeCpu() - nodeCpu) * 1e6 / tasks);
        figures.add("  PostgreSQL CPU of a task", "µs", (target.databaseCpu() - databaseCpu) * 1e6 / tasks);
        var failed = target.numbers("SELECT count(*) FROM task_states WHERE run_id IS NULL AND state <> 'succeeded'");
        if (failed.getFirst() > 0) {
            throw new IllegalStateException(failed.getFirst() + " tasks did not succeed");
        }
    }

    /**
     * How many places a task begins before or behind its own where several nodes do what there is, and when, by the clock of the
     * database; tasks that are equally urgent may begin in any order.
     *
     * @param held how many tasks the nodes have claimed and not ended at most, all of them together
     */
    void orderOfNodes(int tasks, int held) throws IOException, InterruptedException, SQLException {
        send(1, 1, TASKS, _ -> task(5).encode()); // A queue is there once a task has named it.
        target.awaitQueueEmpty();
        pause();
        send(tasks / BATCH, 1, TASKS + "/batch", QueueBench::independent);
        target.run("CREATE TABLE public.bench_order AS SELECT r.id, r.latest_start FROM task_ready r");
        resume();
        target.awaitQueueEmpty();
        var nodes = target.numbers("SELECT count(DISTINCT a.node_id) FROM task_attempts a"
                + " JOIN public.bench_order b ON b.id = a.task_id");
        var inversions = target.numbers("""
                SELECT unnest(percentile_disc(ARRAY[0.99, 1.0])
                    WITHIN GROUP (ORDER BY greatest(o.first - o.place, o.place - o.last, 0))) FROM (
                    SELECT row_number() OVER (ORDER BY a.started_at, b.latest_start) AS place,
                           rank() OVER (ORDER BY b.latest_start) AS first,
                           count(*) OVER (ORDER BY b.latest_start RANGE UNBOUNDED PRECEDING) AS last
                    FROM public.bench_order b JOIN task_attempts a ON a.task_id = b.id AND a.attempt = 1) o\
                """);
        figures.add("nodes that shared " + tasks + " tasks", "nodes", nodes.getFirst());
        figures.add("inversion of the order, three nodes, p99", "places", inversions.getFirst());
        figures.add("largest inversion of the order, three nodes", "places", inversions.getLast());
        figures.add("  of what the three hold", "", inversions.getLast() / held);
    }

    /** By how much a task was claimed before a more urgent one: the claims of a node follow one another. */
    private void order(int tasks) throws IOException, InterruptedException, SQLException {
        pause();
        send(tasks / BATCH, 1, TASKS + "/batch", QueueBench::independent);
        target.run("CREATE TABLE public.bench_order AS SELECT r.id, r.latest_start FROM task_ready r");
        resume();
        target.awaitQueueEmpty();
        figures.add(
                "largest inversion of the order, one node",
                "ms",
                target.numbers("""
                    SELECT coalesce(max(extract(epoch FROM o.before - o.latest_start)) * 1000, 0) FROM (
                        SELECT b.latest_start, max(b.latest_start) OVER (ORDER BY a.fence
                            RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                        FROM public.bench_order b JOIN task_attempts a ON a.task_id = b.id AND a.attempt = 1) o
                    WHERE o.before > o.latest_start\
                    """).getFirst());
    }

    private static JsonObject task(int priority) {
        return new JsonObject()
                .put("type", "handler")
                .put("handler", "noop")
                .put("queue", QUEUE)
                .put("priority", priority)
                .put("input", new JsonObject().put("order", 4711));
    }

    private static String independent(int number) {
        var random = new SplittableRandom(SEED + number);
        var tasks = new JsonArray();
        for (var n = 0; n < BATCH; n++) {
            tasks.add(task(random.nextInt(11)));
        }
        return new JsonObject().put("tasks", tasks).encode();
    }

    /** Half of them wait for one to three earlier ones, at most nine deep. */
    private static String entangled(int number) {
        var random = new SplittableRandom(SEED + number);
        var tasks = new JsonArray();
        var depths = new int[BATCH];
        for (var n = 0; n < BATCH; n++) {
            var task = task(random.nextInt(11)).put("ref", "t" + n);
            if (n > 0 && random.nextInt(100) < DEPENDENT_PERCENT) {
                var names = new java.util.TreeSet<String>();
                for (var edge = 0; edge <= random.nextInt(3); edge++) {
                    var earlier = random.nextInt(n);
                    if (depths[earlier] < 9) {
                        names.add("t" + earlier);
                        depths[n] = Math.max(depths[n], depths[earlier] + 1);
                    }
                }
                task.put("dependencies", new JsonArray(List.copyOf(names)));
            }
            tasks.add(task);
        }
        return new JsonObject().put("tasks", tasks).encode();
    }

    private void send(int requests, int inFlight, String path, IntFunction<String> body) throws InterruptedException {
        var slots = new Semaphore(inFlight);
        var refused = new AtomicInteger();
        for (var n = 0; n < requests; n++) {
            slots.acquire();
            var _ = http.sendAsync(post(path, body.apply(n)), BodyHandlers.discarding())
                    .whenComplete((answer, error) -> {
                        if (error != null || answer.statusCode() != 201) {
                            refused.incrementAndGet();
                        }
                        slots.release();
                    });
        }
        slots.acquire(inFlight);
        if (refused.get() > 0) {
            throw new IllegalStateException(refused + " requests to " + path + " were refused");
        }
    }

    private void pause() throws IOException, InterruptedException {
        change("/pause");
    }

    private void resume() throws IOException, InterruptedException {
        change("/resume");
    }

    private void change(String what) throws IOException, InterruptedException {
        var answer = http.send(post(QUEUES + what, ""), BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException("the queue did not " + what + ": " + answer.body());
        }
    }

    private HttpRequest post(String path, String body) {
        var request = HttpRequest.newBuilder(address.resolve(path)).timeout(Duration.ofSeconds(60));
        return body.isEmpty()
                ? request.POST(HttpRequest.BodyPublishers.noBody()).build()
                : request.header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build();
    }

    /** What is measured. */
    private interface Work {
        void run() throws IOException, InterruptedException, SQLException;
    }

    private static double rate(int count, Work work) throws IOException, InterruptedException, SQLException {
        var began = System.nanoTime();
        work.run();
        return count / ((System.nanoTime() - began) / 1e9);
    }

    private static double best(List<Double> rounds) {
        return rounds.stream().mapToDouble(each -> each).max().orElseThrow();
    }
}
