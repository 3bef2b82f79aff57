package dev.orrery.fault;

import dev.orrery.testing.Await;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Jobs that fire every second while one leader after the other is killed: each due time of each job must have one execution, or
 * be recorded as left out, and not both.
 */
final class KilledLeaders {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    // A second is done once it has an execution or lies in what was left out.
    private static final String JUDGE = """
            WITH told AS (
                SELECT e.job_id, e.scheduled_at AS first_at, e.scheduled_at AS last_at, 1 AS fired FROM job_executions e
                UNION ALL
                SELECT s.job_id, s.first_at, s.last_at, 0 FROM job_skips s
            ), due AS MATERIALIZED (
                SELECT b.job_id, generate_series(b.lo, b.hi, interval '1 second') AS at
                FROM (SELECT job_id, min(first_at) AS lo, max(last_at) AS hi FROM told GROUP BY job_id) b
            ), judged AS (
                SELECT d.job_id, d.at,
                       (SELECT count(*) FROM job_executions e WHERE e.job_id = d.job_id AND e.scheduled_at = d.at) AS fired,
                       (SELECT count(*) FROM job_skips s
                        WHERE s.job_id = d.job_id AND d.at BETWEEN s.first_at AND s.last_at) AS left_out
                FROM due d
            )
            SELECT count(DISTINCT j.job_id) AS jobs, count(*) AS dues, sum(j.fired) AS fired, sum(j.left_out) AS left_out,
                   count(*) FILTER (WHERE j.fired + j.left_out = 0) AS lost,
                   count(*) FILTER (WHERE j.fired + j.left_out > 1) AS doubled,
                   (SELECT count(*) FROM job_executions e WHERE NOT EXISTS (SELECT FROM dag_runs r WHERE r.id = e.id))
                       AS without_run
            FROM judged j
            """;

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final FaultCluster cluster;
    private final List<Duration> pauses = new ArrayList<>();
    private final long began = System.nanoTime();

    private KilledLeaders(FaultCluster cluster) {
        this.cluster = cluster;
    }

    /** {@code [JOBS [KILLS]]}, 200 and 20. */
    public static void main(String[] arguments) throws Exception {
        var jobs = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 200;
        var kills = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 20;
        boolean good;
        try (var cluster = new FaultCluster(Path.of(System.getProperty("java.io.tmpdir")))) {
            cluster.start();
            good = new KilledLeaders(cluster).play(jobs, kills);
        }
        System.exit(good ? 0 : 1);
    }

    private boolean play(int jobs, int kills) throws Exception {
        for (var n = 1; n <= jobs; n++) {
            register("every second " + n);
        }
        progress(jobs + " jobs fire every second");
        awaitFires(System.currentTimeMillis());
        for (var kill = 1; kill <= kills; kill++) {
            var leader = awaitLeader();
            leader.kill();
            var killed = System.currentTimeMillis();
            awaitFires(killed);
            pauses.add(Duration.ofMillis(System.currentTimeMillis() - killed));
            progress("leader %d of %d was killed; jobs fire again after %s"
                    .formatted(kill, kills, Checker.seconds(pauses.getLast())));
            leader.launch();
            leader.awaitReady();
        }
        return judge(jobs);
    }

    private void register(String name) throws IOException, InterruptedException {
        var body = new JsonObject()
                .put("name", name)
                .put("type", "cron")
                .put("schedule", "* * * * * *")
                .put("handlerName", "noop");
        var request = HttpRequest.newBuilder(URI.create(cluster.addresses().getFirst() + "/api/v1/jobs"))
                .timeout(LIMIT)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.encode()))
                .build();
        var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 201) {
            throw new AssertionError(answer.body());
        }
    }

    private ClusterNode awaitLeader() {
        Await.until(
                "a node leads",
                LIMIT,
                () -> cluster.leader().filter(ClusterNode::isRunning).isPresent());
        return cluster.leader().orElseThrow();
    }

    /** Until something is fired for a time after this one. */
    private void awaitFires(long millis) {
        Await.until(
                "jobs fire",
                LIMIT,
                () -> number("SELECT count(*) FROM job_executions WHERE scheduled_at > " + "to_timestamp(" + millis
                                + " / 1000.0)")
                        > 0);
    }

    private long number(String query) {
        try (var connection = cluster.database().connect();
                var statement = connection.createStatement();
                var rows = statement.executeQuery(query)) {
            rows.next();
            return rows.getLong(1);
        } catch (SQLException e) {
            return 0;
        }
    }

    private boolean judge(int jobs) throws SQLException {
        try (var connection = cluster.database().connect();
                var statement = connection.createStatement()) {
            statement.execute("UPDATE job_timers SET is_paused = true");
            try (var rows = statement.executeQuery(JUDGE)) {
                rows.next();
                System.out.printf(
                        "%d jobs, %d due times: %d fired, %d left out and recorded, %d lost, %d doubled, %d without a run%n",
                        rows.getLong("jobs"),
                        rows.getLong("dues"),
                        rows.getLong("fired"),
                        rows.getLong("left_out"),
                        rows.getLong("lost"),
                        rows.getLong("doubled"),
                        rows.getLong("without_run"));
                Collections.sort(pauses);
                System.out.printf(
                        "from the kill to the next firing: median %s, worst %s%n",
                        Checker.seconds(pauses.get(pauses.size() / 2)), Checker.seconds(pauses.getLast()));
                return rows.getLong("jobs") == jobs
                        && rows.getLong("lost") == 0
                        && rows.getLong("doubled") == 0
                        && rows.getLong("without_run") == 0;
            }
        }
    }

    private void progress(String what) {
        System.out.printf(
                "%5d s  %s%n", Duration.ofNanos(System.nanoTime() - began).toSeconds(), what);
    }
}
