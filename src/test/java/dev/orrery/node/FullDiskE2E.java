package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Needed;
import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar with its data on a small disk of its own, which fills: by what is submitted, or by others in a moment. */
class FullDiskE2E {

    private static final int DISK_MIB = 450;
    private static final int KIB = 1 << 10;
    private static final Duration LONG = Duration.ofMinutes(2);

    /** The folder on which the disk is mounted, for the node alone. */
    @TempDir
    Path folder;

    @BeforeEach
    void mayMount() throws Exception {
        var trial = new ProcessBuilder("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt").start();
        Needed.that(
                trial.waitFor(10, TimeUnit.SECONDS) && trial.exitValue() == 0,
                "no right to mount in a namespace of its own");
    }

    @Test
    void whatIsSubmittedFillsItUntilNothingMoreIsTakenAndALargerDiskIsNoticed() throws Exception {
        try (var node = start("health.disk-low=180MiB", "health.disk-full=150MiB")) {
            pauseQueue(node);
            var accepted = new ArrayList<String>();
            var refused = submitUntilRefused(node, accepted);

            assertThat(refused.statusCode()).as(refused.body()).isEqualTo(503);
            assertThat(refused.headers().firstValue("Retry-After")).isPresent();
            assertThat(new JsonObject(refused.body()).getString("code")).isEqualTo("STORAGE_FULL");
            assertThat(refused.body()).as("before the server itself has none").contains("health.disk-full");
            until("it is not ready", () -> status(node, "/health/ready") == 503);
            assertThat(status(node, "/health/live")).isEqualTo(200);
            assertThat(status(node, "/api/v1/tasks/" + accepted.getLast())).isEqualTo(200);
            assertThat(serverLog(node)).doesNotContain("PANIC", "No space left");

            inItsNamespace(node, "mount", "-o", "remount,size=" + 3 * DISK_MIB + "m", folder.toString());

            until("it is ready again", () -> status(node, "/health/ready") == 200);
            resumeQueue(node);
            allEnd(node, accepted);
        }
    }

    @Test
    void anotherProgramFillsItToTheLastByteAndWhenItHasRoomAgainNothingIsLost() throws Exception {
        try (var node = start("health.disk-low=40MiB", "health.disk-full=30MiB");
                var writing = NodeProcess.database(data(node), "orrery")) {
            pauseQueue(node);
            var accepted = new ArrayList<String>();
            for (var n = 0; n < 20; n++) {
                accepted.addAll(ids(submit(node)));
            }

            fill(node);
            var refused = new TreeSet<String>();
            for (var n = 0; n < 60; n++) {
                var answer = submit(node);
                assertThat(answer.statusCode()).as(answer.body()).isIn(201, 503);
                if (answer.statusCode() == 201) {
                    accepted.addAll(ids(answer));
                } else {
                    assertThat(answer.headers().firstValue("Retry-After")).isPresent();
                    refused.add(new JsonObject(answer.body()).getString("message"));
                }
            }
            assertThat(refused).as("not all came after someone had looked").isNotEmpty();
            until("it is not ready", () -> status(node, "/health/ready") == 503);
            assertThat(status(node, "/health/live")).isEqualTo(200);
            exhaustLog(writing);
            until("the server has ended", () -> node.output().contains("event=server_died"));
            assertThat(status(node, "/health/live")).isEqualTo(200);
            assertThat(submit(node).statusCode()).isEqualTo(503);
            inItsNamespace(node, "rm", filling().toString());

            until("it is ready again", LONG, () -> status(node, "/health/ready") == 200);
            until("it takes work again", LONG, () -> {
                var answer = submitted(node);
                answer.filter(whole -> whole.statusCode() == 201).ifPresent(whole -> accepted.addAll(ids(whole)));
                return answer.filter(whole -> whole.statusCode() == 201).isPresent();
            });
            resumeQueue(node);
            allEnd(node, accepted);
        }
    }

    private NodeProcess start(String... settings) throws IOException {
        var script = "mount -t tmpfs -o size=" + DISK_MIB + "m,mode=0755 none " + folder + " && exec \"$@\"";
        var arguments = new ArrayList<String>();
        List.of(settings).forEach(setting -> arguments.addAll(List.of("--set", setting)));
        var node = NodeProcess.beginBy(
                List.of("unshare", "--mount", "/bin/sh", "-c", script, "sh"),
                Map.of(),
                folder.resolve("data"),
                arguments.toArray(String[]::new));
        until("the node is ready", LONG, () -> {
            assertThat(isAlive(node)).as(node.output()).isTrue();
            return node.isReady();
        });
        return node;
    }

    private static boolean isAlive(NodeProcess node) {
        return ProcessHandle.of(node.pid()).filter(ProcessHandle::isAlive).isPresent();
    }

    private Path filling() {
        return folder.resolve("filling");
    }

    /** To the last byte, faster than anyone looks. */
    private void fill(NodeProcess node) throws Exception {
        inItsNamespace(node, "sh", "-c", "cat /dev/zero > " + filling() + " || true");
    }

    private static void inItsNamespace(NodeProcess node, String... command) throws Exception {
        var whole = new ArrayList<>(List.of("nsenter", "--mount", "--target", Long.toString(node.pid())));
        whole.addAll(List.of(command));
        var process = new ProcessBuilder(whole).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }

    /** As the node sees it. */
    private Path data(NodeProcess node) {
        return Path.of("/proc/" + node.pid() + "/root" + folder.resolve("data"));
    }

    private String serverLog(NodeProcess node) {
        try {
            return Files.readString(data(node).resolve("postgresql/server.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The server ends when its log has no room: it could not keep what it promises. */
    private static void exhaustLog(Connection writing) {
        try (var statement = writing.createStatement()) {
            for (var n = 0; n < 100; n++) {
                statement.execute("SELECT txid_current()");
                statement.execute("SELECT pg_switch_wal()");
            }
        } catch (SQLException ended) {
            // As it should have.
            return;
        }
    }

    private static void pauseQueue(NodeProcess node) throws IOException {
        assertThat(node.post("/api/v1/queues/default/pause", "").statusCode()).isEqualTo(200);
    }

    private static void resumeQueue(NodeProcess node) throws IOException {
        assertThat(node.post("/api/v1/queues/default/resume", "").statusCode()).isEqualTo(200);
    }

    /** Ten tasks of a hundred KiB each, which no compression makes smaller. */
    private static HttpResponse<String> submit(NodeProcess node) throws IOException {
        var tasks = new JsonArray();
        for (var n = 0; n < 10; n++) {
            var text = new StringBuilder();
            var random = java.util.concurrent.ThreadLocalRandom.current();
            while (text.length() < 100 * KIB) {
                text.append(Long.toString(random.nextLong() & Long.MAX_VALUE, 36));
            }
            tasks.add(new JsonObject()
                    .put("type", "handler")
                    .put("handler", "noop")
                    .put("input", new JsonObject().put("text", text.toString())));
        }
        return node.post(
                "/api/v1/tasks/batch", new JsonObject().put("tasks", tasks).encode());
    }

    private static java.util.Optional<HttpResponse<String>> submitted(NodeProcess node) {
        try {
            return java.util.Optional.of(submit(node));
        } catch (IOException notNow) {
            return java.util.Optional.empty();
        }
    }

    private static HttpResponse<String> submitUntilRefused(NodeProcess node, List<String> accepted) throws IOException {
        for (var sent = 0; sent < DISK_MIB; sent++) {
            var answer = submit(node);
            if (answer.statusCode() != 201) {
                return answer;
            }
            accepted.addAll(ids(answer));
        }
        throw new AssertionError("more than the disk holds was accepted");
    }

    private static List<String> ids(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        return new JsonObject(answer.body())
                .getJsonArray("tasks").stream()
                        .map(task -> ((JsonObject) task).getString("id"))
                        .toList();
    }

    private static void allEnd(NodeProcess node, List<String> accepted) {
        for (var task : accepted) {
            until("it ends: " + task, LONG, () -> {
                try {
                    return new JsonObject(node.get("/api/v1/tasks/" + task).body())
                            .getString("state", "")
                            .equals("completed");
                } catch (IOException notNow) {
                    return false;
                }
            });
        }
    }

    private static int status(NodeProcess node, String path) {
        try {
            return node.get(path).statusCode();
        } catch (IOException _) {
            return 0;
        }
    }
}
