package dev.orrery.testing;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A node as a user starts it: the real jar in a process of its own, on a free port of loopback. */
public final class NodeProcess implements AutoCloseable {

    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    /** A new data folder on a machine that has much else to do. */
    private static final Duration START_LIMIT = Duration.ofSeconds(90);

    private final Path dataDir;
    private final Process process;
    private final URI address;
    private final Path output;

    private NodeProcess(Path dataDir, Process process, URI address, Path output) {
        this.dataDir = dataDir;
        this.process = process;
        this.address = address;
        this.output = output;
    }

    /** The jar under test: the system property {@code orrery.jar}, else where the build puts it. */
    public static Path jar() {
        return Path.of(System.getProperty("orrery.jar", "target/orrery.jar")).toAbsolutePath();
    }

    /** The command line that calls the program with the Java of this test. */
    public static List<String> commandLine(String... arguments) {
        var command = Java.command();
        command.addAll(NodeTemplate.options());
        command.addAll(List.of("-jar", jar().toString()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** Starts a node and waits until it is ready; {@code arguments} follow those for the folder and the port. */
    public static NodeProcess start(Path dataDir, String... arguments) throws IOException {
        return start(Map.of(), dataDir, arguments);
    }

    /** The same, with these variables besides ours. */
    public static NodeProcess start(Map<String, String> environment, Path dataDir, String... arguments)
            throws IOException {
        NodeTemplate.copyTo(dataDir, arguments);
        return startAsItIs(environment, dataDir, arguments);
    }

    /** Starts a node on a folder in which there is nothing yet, and waits until it is ready. */
    public static NodeProcess startNew(Path dataDir, String... arguments) throws IOException {
        return startNew(Map.of(), dataDir, arguments);
    }

    /** The same, with these variables besides ours. */
    static NodeProcess startNew(Map<String, String> environment, Path dataDir, String... arguments) throws IOException {
        return startAsItIs(environment, dataDir, arguments);
    }

    private static NodeProcess startAsItIs(Map<String, String> environment, Path dataDir, String... arguments)
            throws IOException {
        var node = begin(environment, dataDir, arguments);
        try {
            node.awaitReady();
        } catch (AssertionError late) {
            node.kill();
            throw new AssertionError(late.getMessage() + "; it printed: " + node.output(), late);
        }
        return node;
    }

    /** Starts a node and does not wait for it. */
    public static NodeProcess begin(Map<String, String> environment, Path dataDir, String... arguments)
            throws IOException {
        return beginBy(List.of(), environment, dataDir, arguments);
    }

    /** The same by another program, such as one that takes another account first. */
    public static NodeProcess beginBy(
            List<String> program, Map<String, String> environment, Path dataDir, String... arguments)
            throws IOException {
        var port = Ports.free();
        var command = new ArrayList<>(program);
        command.addAll(commandLine("node", "--data-dir", dataDir.toString(), "--http-port", Integer.toString(port)));
        command.addAll(List.of(arguments));
        Files.createDirectories(dataDir);
        var output = Files.createTempFile(dataDir.toAbsolutePath().getParent(), "node", ".log");
        var builder = withoutSettings(new ProcessBuilder(command))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        var process = OwnProcesses.own(builder.start());
        return new NodeProcess(dataDir, process, URI.create("http://127.0.0.1:" + port), output);
    }

    private void awaitReady() {
        Await.until("the node is ready", START_LIMIT, () -> {
            if (!process.isAlive()) {
                throw new AssertionError("the node ended: " + output());
            }
            return isReady();
        });
    }

    /** What configures the nodes of this machine is not meant for those of the tests. */
    public static ProcessBuilder withoutSettings(ProcessBuilder builder) {
        builder.environment().keySet().removeIf(name -> name.startsWith("ORRERY_"));
        return builder;
    }

    public boolean isReady() {
        try {
            return get("/health/ready").statusCode() == 200;
        } catch (IOException _) {
            return false;
        }
    }

    public URI address() {
        return address;
    }

    public long pid() {
        return process.pid();
    }

    /** Everything it has printed. */
    public String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            return "its output cannot be read: " + e.getMessage();
        }
    }

    public HttpResponse<String> get(String path) throws IOException {
        return send(HttpRequest.newBuilder(address.resolve(path)).GET());
    }

    public HttpResponse<String> post(String path, String json) throws IOException {
        return send(HttpRequest.newBuilder(address.resolve(path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws IOException {
        try {
            return HTTP.send(request.timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** A connection to its embedded database. */
    public Connection database() throws SQLException {
        return database(dataDir, "orrery");
    }

    /** A connection, as superuser, to a database of the embedded server in a data folder. */
    public static Connection database(Path dataDir, String name) throws SQLException {
        try {
            var port = Files.readAllLines(dataDir.resolve("postgresql/data/postmaster.pid"))
                    .get(3)
                    .strip();
            for (var line : Files.readAllLines(dataDir.resolve("postgresql/pgpass"))) {
                var fields = line.split(":", -1);
                if (fields[3].equals("postgres")) {
                    return DriverManager.getConnection(
                            "jdbc:postgresql://127.0.0.1:" + port + "/" + name + "?currentSchema=orrery,public",
                            fields[3],
                            fields[4]);
                }
            }
            throw new SQLException("no password of the superuser in " + dataDir);
        } catch (IOException e) {
            throw new SQLException("the data folder cannot be read", e);
        }
    }

    /** {@code kill -9}. */
    public void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    /** Sends it a signal, such as {@code TERM} or {@code STOP}. */
    public void signal(String name) throws IOException {
        try {
            new ProcessBuilder("/bin/kill", "-" + name, Long.toString(pid()))
                    .start()
                    .waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** SIGTERM, and the exit code. */
    public int stop() {
        process.destroy();
        return awaitEnd();
    }

    /** The same, where it must have ended within this time. */
    public int stop(Duration limit) {
        process.destroy();
        return awaitEnd(limit);
    }

    /** Waits until it has ended by itself; its exit code. */
    public int awaitEnd() {
        return awaitEnd(Duration.ofSeconds(90));
    }

    /** The same within this time. */
    public int awaitEnd(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("the node does not end within " + limit.toSeconds() + " s: " + output());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            stop();
        }
    }
}
