package dev.orrery.bench;

import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The node that is measured, seen from outside: its API, its database, its processes. */
final class Target {

    private static final Pattern ID = Pattern.compile("\"(?:id|runId)\"\\s*:\\s*\"([0-9a-f-]{36})\"");
    private static final long LOOK_MILLIS = 5;
    private static final double TICKS_PER_SECOND = 100;

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final URI address;
    private final Path dataDir;
    private final long pid;
    private @Nullable Connection connection;

    Target(URI address, Path dataDir, long pid) {
        this.address = address;
        this.dataDir = dataDir;
        this.pid = pid;
    }

    /** A node whose database is seen through this connection, and whose folder and process are not looked at. */
    static Target on(URI address, Connection database) {
        var target = new Target(address, Path.of(""), 0);
        target.connection = database;
        return target;
    }

    Path dataDir() {
        return dataDir;
    }

    /** One connection for all questions, since to open one costs the server as much as many tasks. */
    private synchronized Connection database() throws SQLException {
        if (connection == null) {
            connection = NodeProcess.database(dataDir, "orrery");
        }
        return connection;
    }

    /** Publishes a DAG and answers its id. */
    String publish(String name, String yaml) throws IOException, InterruptedException {
        var body = "{\"name\":\"" + name + "\",\"yaml\":\""
                + yaml.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"}";
        return id(http.send(post("/api/v1/dags", body), BodyHandlers.ofString()).body());
    }

    /** Starts one run and answers its id. */
    String trigger(String dag) throws IOException, InterruptedException {
        return id(http.send(runRequest(dag), BodyHandlers.ofString()).body());
    }

    void cancel(String run) throws IOException, InterruptedException {
        http.send(post("/api/v1/runs/" + run + "/cancel", "{}"), BodyHandlers.discarding());
    }

    private static String id(String answer) {
        var matcher = ID.matcher(answer);
        if (!matcher.find()) {
            throw new IllegalStateException("no id in the answer: " + answer);
        }
        return matcher.group(1);
    }

    /** Starts runs, so many requests at a time; answers when all are accepted. */
    void triggerMany(String dag, int runs, int inFlight) throws InterruptedException {
        var slots = new Semaphore(inFlight);
        var refused = new AtomicInteger();
        var request = runRequest(dag);
        for (var n = 0; n < runs; n++) {
            slots.acquire();
            var _ = http.sendAsync(request, BodyHandlers.discarding()).whenComplete((answer, error) -> {
                if (error != null || answer.statusCode() != 202) {
                    refused.incrementAndGet();
                }
                slots.release();
            });
        }
        slots.acquire(inFlight);
        if (refused.get() > 0) {
            throw new IllegalStateException(refused + " submissions were refused");
        }
    }

    private HttpRequest runRequest(String dag) {
        return post("/api/v1/dags/" + dag + "/runs", "{}");
    }

    private HttpRequest post(String path, String body) {
        return HttpRequest.newBuilder(address.resolve(path))
                .timeout(Duration.ofSeconds(60))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    /** Looks every few milliseconds until no run is active. */
    void awaitIdle() throws SQLException, InterruptedException {
        try (var query = database()
                .prepareStatement("SELECT EXISTS (SELECT FROM dag_runs WHERE tenant_id = 1 AND state IN ('pending',"
                        + " 'running'))")) {
            while (true) {
                try (var rows = query.executeQuery()) {
                    rows.next();
                    if (!rows.getBoolean(1)) {
                        return;
                    }
                }
                Thread.sleep(LOOK_MILLIS);
            }
        }
    }

    /** Looks every few milliseconds until no single task waits or runs. */
    void awaitQueueEmpty() throws SQLException, InterruptedException {
        while (numbers("SELECT (EXISTS (SELECT FROM task_ready) OR EXISTS (SELECT FROM task_wait)"
                                + " OR EXISTS (SELECT FROM claim_batches))::int")
                        .getFirst()
                > 0) {
            Thread.sleep(LOOK_MILLIS);
        }
    }

    void run(String sql) throws SQLException {
        try (var statement = database().createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of a query's rows. */
    List<Double> numbers(String sql) throws SQLException {
        try (var statement = database().createStatement();
                var rows = statement.executeQuery(sql)) {
            var numbers = new java.util.ArrayList<Double>();
            while (rows.next()) {
                numbers.add(rows.getDouble(1));
            }
            return numbers;
        }
    }

    double walBytes() throws SQLException {
        return numbers("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
                .getFirst();
    }

    /** CPU seconds that the node has used. */
    double nodeCpu() throws IOException {
        return cpu(pid);
    }

    /** CPU seconds that PostgreSQL has used, with all its processes that live or have been waited for. */
    double databaseCpu() throws IOException {
        var postmaster = Long.parseLong(Files.readAllLines(dataDir.resolve("postgresql/data/postmaster.pid"))
                .getFirst()
                .strip());
        var sum = cpuWithChildren(postmaster);
        for (var child : ProcessHandle.of(postmaster).orElseThrow().children().toList()) {
            sum += cpu(child.pid());
        }
        return sum;
    }

    /** Resident megabytes of the node. */
    double residentMegabytes() throws IOException {
        return residentMegabytes(pid);
    }

    static double residentMegabytes(long pid) throws IOException {
        for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
            }
        }
        return Double.NaN;
    }

    private static double cpu(long process) throws IOException {
        var fields = stat(process);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
    }

    private static double cpuWithChildren(long process) throws IOException {
        var fields = stat(process);
        return cpu(process) + (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) / TICKS_PER_SECOND;
    }

    /** The fields behind the command's name, which may hold anything. */
    private static String[] stat(long process) throws IOException {
        try {
            var line = Files.readString(Path.of("/proc/" + process + "/stat"));
            return line.substring(line.lastIndexOf(')') + 2).split(" ");
        } catch (java.nio.file.NoSuchFileException _) {
            return "? 0 0 0 0 0 0 0 0 0 0 0 0 0 0".split(" ");
        }
    }
}
