package dev.orrery.testing;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A real etcd of one or more members, on loopback with data in a temporary folder; ended by pid. */
public final class Etcd implements AutoCloseable {

    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(1)).build();

    private static final String ROOT = "root";

    private final Path folder;
    private boolean asksForLogin;
    private final List<Member> members = new ArrayList<>();

    /** One server. */
    public static final class Member {

        private final String name;
        private final int clientPort;
        private final int peerPort;
        private final int metricsPort;
        private final Path data;
        private final List<String> extra;
        private @Nullable Process process;

        private Member(String name, Path data, List<String> extra) {
            this.name = name;
            this.clientPort = Ports.free();
            this.peerPort = Ports.free();
            this.metricsPort = Ports.free();
            this.data = data;
            this.extra = extra;
        }

        public int port() {
            return clientPort;
        }

        public String url() {
            return scheme() + "://127.0.0.1:" + clientPort;
        }

        private String scheme() {
            return extra.stream().anyMatch(option -> option.startsWith("--cert-file=")) ? "https" : "http";
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

    /** One that speaks TLS, as this server; with an authority it asks clients for a certificate of it. */
    public static Etcd startEncrypted(Certificates.Pair server, @Nullable Path clientAuthority) {
        var options = new ArrayList<>(List.of("--cert-file=" + server.certificate(), "--key-file=" + server.key()));
        if (clientAuthority != null) {
            options.add("--client-cert-auth");
            options.add("--trusted-ca-file=" + clientAuthority);
        }
        return start(1, options);
    }

    /** {@code extra}: further options of each server. Without an etcd the test is skipped, in CI it fails. */
    public static Etcd start(int count, List<String> extra) {
        Needed.program("etcd", "etcd-server");
        try {
            var etcd = new Etcd(Files.createTempDirectory("orrery-etcd-"));
            for (var n = 1; n <= count; n++) {
                etcd.members.add(new Member("m" + n, etcd.folder.resolve("m" + n), extra));
            }
            try {
                etcd.members.forEach(etcd::start);
                etcd.awaitHealth();
            } catch (AssertionError | RuntimeException e) {
                etcd.close();
                throw e;
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
        var client = member.url();
        var peer = "http://127.0.0.1:" + member.peerPort;
        var command = new ArrayList<>(List.of(
                "etcd",
                "--name=" + member.name,
                "--data-dir=" + member.data,
                "--listen-client-urls=" + client,
                "--advertise-client-urls=" + client,
                "--listen-metrics-urls=http://127.0.0.1:" + member.metricsPort,
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
            member.process = OwnProcesses.own(new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log(member).toFile()))
                    .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path log(Member member) {
        return folder.resolve(member.name + ".log");
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

    /** From now on it asks for accounts: {@code root}, and this one, which may use the keys that begin so. */
    public void requireLogin(String user, String password, String beginning) {
        ask("user/add", new JsonObject().put("name", ROOT).put("password", ROOT));
        ask("role/add", new JsonObject().put("name", ROOT));
        ask("user/grant", new JsonObject().put("user", ROOT).put("role", ROOT));
        addUser(user, password);
        ask("role/add", new JsonObject().put("name", user));
        var last = beginning.length() - 1;
        var end = beginning.substring(0, last) + (char) (beginning.charAt(last) + 1);
        ask(
                "role/grant",
                new JsonObject()
                        .put("name", user)
                        .put(
                                "perm",
                                new JsonObject()
                                        .put("permType", "READWRITE")
                                        .put("key", base64(beginning))
                                        .put("range_end", base64(end))));
        ask("user/grant", new JsonObject().put("user", user).put("role", user));
        ask("enable", new JsonObject());
        asksForLogin = true;
    }

    public void addUser(String user, String password) {
        ask("user/add", new JsonObject().put("name", user).put("password", password));
    }

    public void changePassword(String user, String password) {
        ask("user/changepw", new JsonObject().put("name", user).put("password", password));
    }

    /** Writes a key. */
    public void put(String key, String value) {
        post(member(1), "/v3/kv/put", new JsonObject().put("key", base64(key)).put("value", base64(value)), "");
    }

    /** Which of the members leads the others. */
    public Member leader() {
        return members.stream()
                .filter(member -> {
                    var status = post(member, "/v3/maintenance/status", new JsonObject(), "");
                    return status.getJsonObject("header").getString("member_id").equals(status.getString("leader"));
                })
                .findFirst()
                .orElseThrow();
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private void ask(String what, JsonObject body) {
        if (asksForLogin) {
            var login = post(
                    member(1),
                    "/v3/auth/authenticate",
                    new JsonObject().put("name", ROOT).put("password", ROOT),
                    "");
            post(member(1), "/v3/auth/" + what, body, login.getString("token"));
        } else {
            post(member(1), "/v3/auth/" + what, body, "");
        }
    }

    private static JsonObject post(Member member, String path, JsonObject body, String token) {
        var request = HttpRequest.newBuilder(URI.create(member.url() + path))
                .timeout(Duration.ofSeconds(10))
                .POST(HttpRequest.BodyPublishers.ofString(body.encode()));
        if (!token.isEmpty()) {
            request.header("Authorization", token);
        }
        try {
            var answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new AssertionError(path + ": " + answer.body());
            }
            return new JsonObject(answer.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
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

    private boolean isHealthy(Member member) {
        try {
            var running = member.process;
            if (running == null || !running.isAlive()) {
                throw new AssertionError("etcd ended: " + member.name + ", " + Files.readString(log(member)));
            }
            var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + member.metricsPort + "/health"))
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
