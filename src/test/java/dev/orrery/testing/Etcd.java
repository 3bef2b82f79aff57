package dev.orrery.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A real etcd of one or more members, on loopback with data in a temporary folder; ended by pid. */
public final class Etcd implements AutoCloseable {

    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();

    private final Path folder;
    private final List<Member> members = new ArrayList<>();

    /** One server. */
    public static final class Member {

        private final String name;
        private final int clientPort;
        private final int peerPort;
        private final Path data;
        private final List<String> extra;
        private @Nullable Process process;

        private Member(String name, int clientPort, int peerPort, Path data, List<String> extra) {
            this.name = name;
            this.clientPort = clientPort;
            this.peerPort = peerPort;
            this.data = data;
            this.extra = extra;
        }

        public int port() {
            return clientPort;
        }

        public String url() {
            return (extra.isEmpty() ? "http" : "https") + "://127.0.0.1:" + clientPort;
        }

        public long pid() {
            var running = process;
            return running == null ? -1 : running.pid();
        }
    }

    private Etcd(Path folder) {
        this.folder = folder;
    }

    /** Starts so many members and returns when they serve. */
    public static Etcd start(int count) {
        return start(count, List.of());
    }

    /** {@code extra}: further options of each server, such as those of TLS. */
    public static Etcd start(int count, List<String> extra) {
        try {
            var etcd = new Etcd(Files.createTempDirectory("orrery-etcd-"));
            for (var n = 1; n <= count; n++) {
                etcd.members.add(new Member("m" + n, freePort(), freePort(), etcd.folder.resolve("m" + n), extra));
            }
            etcd.members.forEach(etcd::start);
            if (extra.isEmpty()) {
                etcd.awaitHealth();
            }
            return etcd;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public List<Member> members() {
        return List.copyOf(members);
    }

    public Member member(int number) {
        return members.get(number - 1);
    }

    public List<String> endpoints() {
        return members.stream().map(Member::url).toList();
    }

    /** Starts a member that was stopped, with the data that it has. */
    public void start(Member member) {
        var scheme = member.extra.isEmpty() ? "http" : "https";
        var client = scheme + "://127.0.0.1:" + member.clientPort;
        var peer = "http://127.0.0.1:" + member.peerPort;
        var command = new ArrayList<>(List.of(
                "etcd",
                "--name=" + member.name,
                "--data-dir=" + member.data,
                "--listen-client-urls=" + client,
                "--advertise-client-urls=" + client,
                "--listen-peer-urls=" + peer,
                "--initial-advertise-peer-urls=" + peer,
                "--initial-cluster="
                        + members.stream()
                                .map(each -> each.name + "=http://127.0.0.1:" + each.peerPort)
                                .collect(Collectors.joining(",")),
                "--initial-cluster-token=" + folder.getFileName(),
                "--heartbeat-interval=100",
                "--election-timeout=1000",
                "--log-level=error"));
        command.addAll(member.extra);
        try {
            member.process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(
                            folder.resolve(member.name + ".log").toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException("etcd is not installed (Debian package etcd-server)", e);
        }
    }

    /** kill -9. */
    public void kill(Member member) {
        var running = member.process;
        if (running != null) {
            running.destroyForcibly();
            waitFor(running);
            member.process = null;
        }
    }

    public void kill() {
        members.forEach(this::kill);
    }

    /** Starts all that were stopped and returns when they serve. */
    public void startAgain() {
        members.stream().filter(member -> member.process == null).forEach(this::start);
        awaitHealth();
    }

    /** Every key is gone, as after a loss of all disks. */
    public void loseAllData() {
        kill();
        members.forEach(member -> Folders.delete(member.data));
        startAgain();
    }

    public void freeze(Member member) {
        signal(member, "STOP");
    }

    public void thaw(Member member) {
        signal(member, "CONT");
    }

    private static void signal(Member member, String name) {
        try {
            waitFor(new ProcessBuilder("kill", "-" + name, Long.toString(member.pid())).start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void waitFor(Process process) {
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                throw new AssertionError("process " + process.pid() + " does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private void awaitHealth() {
        for (var member : members) {
            Await.until("etcd serves: " + member.name, Duration.ofSeconds(30), () -> isHealthy(member));
        }
    }

    private static boolean isHealthy(Member member) {
        try {
            var request = HttpRequest.newBuilder(URI.create(member.url() + "/health"))
                    .timeout(Duration.ofSeconds(2))
                    .build();
            return HTTP.send(request, HttpResponse.BodyHandlers.ofString())
                    .body()
                    .contains("true");
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        members.forEach(member -> {
            if (member.process != null) {
                thaw(member);
            }
        });
        kill();
        Folders.delete(folder);
    }
}
