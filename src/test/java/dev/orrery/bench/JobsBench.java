package dev.orrery.bench;

import dev.orrery.testing.Await;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
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

/**
 * How exactly jobs fire, and what those that are not due cost: {@code scripts/bench --jobs}. One node on a PostgreSQL of
 * its own; many jobs are made from one by SQL, since what is measured is firing.
 */
final class JobsBench implements AutoCloseable {

    private static final String DEADLOCK = "40P01";
    private static final int DEADLOCKS_MAX = 10;
    private static final int MEASURED = 5;
    private static final int WARM_UPS = 3;

    /** With few jobs a round is over before the compiler of the node has seen much of it. */
    private static final int MANY_WARM_UPS = 10;

    private static final int REGISTRATIONS = 2_000;
    private static final int IN_FLIGHT = 16;
    private static final int AHEAD_SECONDS = 3;
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final Path folder;
    private final Postgres server;
    private final TestDatabase database;
    private final Map<String, Double> figures = new LinkedHashMap<>();
    private NodeProcess node;

    private JobsBench() throws IOException {
        this.folder = Files.createTempDirectory("orrery-bench");
        this.server = Postgres.onDisk("max_connections=100");
        this.database = server.empty();
        this.node = start();
    }

    /** Prints each figure as it comes; answers them all. {@code many}: how many jobs are a million. */
    static Map<String, Double> run(int many) throws Exception {
        try (var bench = new JobsBench()) {
            bench.events();
            bench.registrations();
            bench.lags("100 jobs due in one second", 100, MANY_WARM_UPS);
            bench.lags("10,000 jobs due in one second", 10_000, WARM_UPS);
            bench.manyThatAreNotDue(many);
            return bench.figures;
        }
    }

    private void events() throws Exception {
        new EventsBench(http, node.address().toString(), database, this::figure).run();
        run("TRUNCATE orrery.jobs CASCADE");
    }

    private NodeProcess start() throws IOException {
        return NodeProcess.start(folder.resolve("data"), "--database-url", database.url(), "--set", "log.level=WARN");
    }

    private void registrations() throws Exception {
        var began = System.nanoTime();
        var slots = new Semaphore(IN_FLIGHT);
        var refused = new AtomicInteger();
        for (var n = 0; n < REGISTRATIONS; n++) {
            slots.acquire();
            var _ = http.sendAsync(registration("job " + n), BodyHandlers.discarding())
                    .whenComplete((answer, error) -> {
                        if (error != null || answer.statusCode() != 201) {
                            refused.incrementAndGet();
                        }
                        slots.release();
                    });
        }
        slots.acquire(IN_FLIGHT);
        if (refused.get() > 0) {
            throw new IllegalStateException(refused + " registrations were refused");
        }
        figure("jobs registered over the API", "jobs/s", REGISTRATIONS / seconds(began));
        awaitPlanned();
    }

    private HttpRequest registration(String name) {
        var body = new JsonObject()
                .put("name", name)
                .put("type", "cron")
                .put("schedule", "0 0 1 1 *")
                .put("handlerName", "noop");
        return HttpRequest.newBuilder(URI.create(node.address() + "/api/v1/jobs"))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
                .build();
    }

    private void awaitPlanned() {
        Await.until(
                "all jobs are planned",
                LIMIT,
                () -> database.value("SELECT count(*) FROM orrery.job_timers WHERE NOT is_planned")
                        .equals("0"));
    }

    /** The same jobs are made due again and again, all at one instant. */
    private void lags(String what, int jobs, int warmUps) {
        clone(jobs - count());
        var p50 = new ArrayList<Double>();
        var p99 = new ArrayList<Double>();
        var last = new ArrayList<Double>();
        for (var round = 0; round < warmUps + MEASURED; round++) {
            var lag = fireAll(jobs);
            if (round >= warmUps) {
                p50.add(lag[0]);
                p99.add(lag[1]);
                last.add(lag[2]);
            }
        }
        figure(what + ": due to started, p50", "ms", median(p50));
        figure(what + ": due to started, p99", "ms", median(p99));
        figure(what + ": due to all started", "ms", median(last));
    }

    /** p50, p99 and the greatest, in milliseconds. */
    private double[] fireAll(int jobs) {
        var due = database.value("WITH t AS (SELECT date_trunc('second', clock_timestamp()) + interval '"
                + AHEAD_SECONDS
                + " seconds' AS due), u AS (UPDATE orrery.job_timers j SET due_at = t.due FROM t WHERE j.job_id IN"
                + " (SELECT id FROM orrery.jobs ORDER BY created_at, id LIMIT " + jobs + ")) SELECT due FROM t");
        var started = "FROM orrery.job_executions e JOIN orrery.task_attempts a"
                + " ON a.task_id = orrery.instance_id(e.id, 1) AND a.attempt = 1 WHERE e.scheduled_at = '" + due + "'";
        Await.until(
                "all have ended",
                LIMIT,
                () -> Integer.parseInt(database.value("SELECT count(a.finished_at) " + started)) == jobs);
        var lag = "extract(epoch FROM a.started_at - e.scheduled_at) * 1000";
        var told = database.value("SELECT concat_ws(' ', percentile_cont(0.5) WITHIN GROUP (ORDER BY " + lag
                + "), percentile_cont(0.99) WITHIN GROUP (ORDER BY " + lag + "), max(" + lag + ")) " + started);
        return List.of(told.split(" ")).stream()
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    private int count() {
        return Integer.parseInt(database.value("SELECT count(*) FROM orrery.jobs"));
    }

    /** More jobs like the first one, planned for a time to come. */
    private void clone(int more) {
        if (more <= 0) {
            return;
        }
        database.value("WITH made AS (INSERT INTO orrery.jobs (id, tenant_id, dag_id, name, type, schedule, timezone,"
                + " handler_type, handler_name) SELECT gen_random_uuid(), j.tenant_id, j.dag_id, 'clone ' || n, j.type,"
                + " j.schedule, j.timezone, j.handler_type, j.handler_name FROM (SELECT * FROM orrery.jobs ORDER BY"
                + " created_at LIMIT 1) j CROSS JOIN generate_series(1, " + more
                + ") n RETURNING id), timers AS (INSERT"
                + " INTO orrery.job_timers (job_id, due_at, is_planned) SELECT m.id, now() + interval '1 hour' +"
                + " random() * interval '300 days', true FROM made m) SELECT count(*) FROM made");
    }

    private void manyThatAreNotDue(int many) throws IOException {
        var memory = Target.residentMegabytes(node.pid());
        clone(many - count());
        run("VACUUM ANALYZE orrery.jobs, orrery.job_timers");
        lags("100 of %,d jobs due".formatted(many), 100, WARM_UPS);
        figure("memory of the node, few jobs", "MB", memory);
        figure("memory of the node, %,d jobs".formatted(many), "MB", Target.residentMegabytes(node.pid()));
        node.stop();
        var began = System.nanoTime();
        node = start();
        figure("start-up with %,d jobs".formatted(many), "s", seconds(began));
        figure("first firing after it, p99", "ms", fireAll(100)[1]);
    }

    /** Again where it met the node's own statements in a deadlock, which a TRUNCATE may. */
    private void run(String sql) {
        for (var attempt = 1; ; attempt++) {
            try (var connection = database.connect();
                    var statement = connection.createStatement()) {
                statement.execute(sql);
                return;
            } catch (java.sql.SQLException e) {
                if (!DEADLOCK.equals(e.getSQLState()) || attempt == DEADLOCKS_MAX) {
                    throw new IllegalStateException(sql, e);
                }
            }
        }
    }

    private static double seconds(long began) {
        return (System.nanoTime() - began) / 1e9;
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private void figure(String name, String unit, double value) {
        figures.put(name, value);
        var number = String.format(Locale.ROOT, value >= 100 ? "%,.0f" : "%.2f", value);
        System.out.printf(Locale.ROOT, "%-58s %12s %s%n", name, number, unit);
    }

    @Override
    public void close() throws IOException {
        node.close();
        server.close();
        Bench.delete(folder);
    }
}
