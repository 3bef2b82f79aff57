package dev.orrery.fault;

import dev.orrery.testing.Await;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.OwnProcesses;
import dev.orrery.testing.Ports;
import dev.orrery.testing.Proxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One node of the cluster: the real jar, the same name, port and folder at each start, and a proxy on each of its links. */
final class ClusterNode implements AutoCloseable {

    private static final Duration READY_LIMIT = Duration.ofMinutes(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(80);
    private static final String BUS_HOST = "127.0.0.1";
    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();

    private final String name;
    private final Path folder;
    private final int httpPort;
    private final String shownHost;
    private final int busPort;
    private final int memberPort;
    private final Proxy database;
    private final List<Proxy> etcd = new ArrayList<>();
    private final List<Crossing> crossings = new ArrayList<>();
    private final String databaseUrl;
    private @Nullable Process process;

    ClusterNode(FaultCluster cluster, int number) throws IOException {
        this.name = "node-" + number;
        this.folder = Files.createDirectories(cluster.folder().resolve(name));
        this.httpPort = Ports.free();
        this.busPort = Ports.free();
        this.memberPort = Ports.free();
        this.shownHost = "127.0.1." + (10 + number);
        this.database = new Proxy("127.0.0.1", cluster.database().port());
        this.databaseUrl = cluster.database().url(database.port());
        for (var member : cluster.etcd().members()) {
            etcd.add(new Proxy("127.0.0.1", member.port()));
        }
        for (var port : List.of(busPort, memberPort)) {
            crossings.add(new Crossing(shownHost, BUS_HOST, port, cluster::namesOfProcesses));
        }
    }

    String name() {
        return name;
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + httpPort);
    }

    int httpPort() {
        return httpPort;
    }

    /** The link to PostgreSQL. */
    Proxy database() {
        return database;
    }

    /** The links to the members of etcd. */
    List<Proxy> etcd() {
        return etcd;
    }

    /** The links by which this peer comes to the node. */
    List<Proxy> from(ClusterNode peer) {
        return crossings.stream().map(crossing -> crossing.from(peer.name)).toList();
    }

    long pid() {
        var running = process;
        return running == null ? -1 : running.pid();
    }

    boolean isRunning() {
        return process != null && process.isAlive();
    }

    /** Starts it, and returns at once; {@code environment} is added to ours. */
    void launch(Map<String, String> environment) {
        var endpoints =
                etcd.stream().map(proxy -> "http://127.0.0.1:" + proxy.port()).collect(Collectors.joining(","));
        var command = NodeProcess.commandLine(
                "node",
                "--database-url",
                databaseUrl,
                "--etcd",
                endpoints,
                "--http-port",
                Integer.toString(httpPort),
                "--data-dir",
                folder.toString());
        for (var setting : List.of(
                "node.name=" + name,
                "bus.host=" + BUS_HOST,
                "bus.advertised-host=" + shownHost,
                "bus.port=" + busPort,
                "bus.member-port=" + memberPort)) {
            command.addAll(List.of("--set", setting));
        }
        var builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
        builder.environment().putAll(environment);
        try {
            process = OwnProcesses.own(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void launch() {
        launch(Map.of());
    }

    Path log() {
        return folder.resolveSibling(name + ".log");
    }

    void awaitReady() {
        Await.until(name + " is ready; its log: " + log(), READY_LIMIT, () -> {
            if (!isRunning()) {
                throw new IllegalStateException(name + " ended by itself; its log: " + log() + "\n" + lastLines());
            }
            return isReady();
        });
    }

    private String lastLines() {
        try {
            var lines = Files.readAllLines(log());
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    boolean isReady() {
        return isRunning() && get("/health/ready").filter(code -> code == 200).isPresent();
    }

    private java.util.Optional<Integer> get(String path) {
        try {
            var request = HttpRequest.newBuilder(address().resolve(path))
                    .timeout(Duration.ofSeconds(2))
                    .build();
            return java.util.Optional.of(
                    HTTP.send(request, HttpResponse.BodyHandlers.discarding()).statusCode());
        } catch (IOException _) {
            return java.util.Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return java.util.Optional.empty();
        }
    }

    /** kill -9. */
    void kill() {
        signal("KILL");
        awaitEnd();
    }

    void freeze() {
        signal("STOP");
    }

    void thaw() {
        signal("CONT");
    }

    /** SIGTERM; returns its exit code. */
    int stop() {
        signal("TERM");
        return awaitEnd();
    }

    private void signal(String signal) {
        Processes.signal(pid(), signal);
    }

    private int awaitEnd() {
        var running = process;
        try {
            if (running == null || !running.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException(name + " does not end");
            }
            return running.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Every link is whole again. */
    void reconnect() {
        database.pass();
        etcd.forEach(Proxy::pass);
    }

    @Override
    public void close() throws IOException {
        if (isRunning()) {
            process.destroyForcibly();
            awaitEnd();
        }
        database.close();
        for (var proxy : etcd) {
            proxy.close();
        }
        for (var crossing : crossings) {
            crossing.close();
        }
    }
}
