package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Needed;
import dev.orrery.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar says how it is: while its disk fills, its database freezes, or its router gets nothing done. */
class HealthE2E {

    private static final long MIB = 1L << 20;
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final String TASK = """
            {"name": "one", "type": "handler", "handler": "echo", "input": {}}""";

    @TempDir
    Path folder;

    @Test
    void everyPartIsToldAndAFrozenDatabaseIsNamedUntilItAnswers() throws Exception {
        try (var node = NodeProcess.start(folder.resolve("data"))) {
            var well = new JsonObject(node.get("/health").body());
            assertThat(well.getString("status")).isEqualTo("up");
            assertThat(well.getJsonObject("checks").fieldNames())
                    .containsExactly("database", "heartbeat", "bus", "work", "router", "workers", "scheduler", "disk");
            assertThat(well.getJsonObject("checks").stream()
                            .map(Map.Entry::getValue)
                            .map(JsonObject.class::cast))
                    .allSatisfy(part -> assertThat(part.getLong("ageMs")).isBetween(0L, 10_000L));

            var processes = freezeServerOf(folder.resolve("data"));
            try {
                until("the database is missed", () -> check(node, "database").equals("down"));
                assertThat(status(node, "/health/ready")).isEqualTo(503);
                assertThat(status(node, "/health/live")).isEqualTo(200);
                until("the heartbeat is missed", () -> check(node, "heartbeat").equals("down"));
            } finally {
                signal("CONT", processes);
            }

            until("all is well again", () -> status(node, "/health/ready") == 200);
        }
    }

    @Test
    void aFullDiskStopsTheIntakeAndTheNodeGoesOnByItselfWhenThereIsRoomAgain() throws Exception {
        Needed.that(
                Files.isWritable(MEMORY) && Files.getFileStore(MEMORY).getUsableSpace() > 3_000 * MIB,
                "there is no file system in memory with 3 GiB to spare");
        var data = Files.createTempDirectory(MEMORY, "orrery-health").resolve("data");
        try {
            var free = Files.getFileStore(MEMORY).getUsableSpace();
            // Far apart, since other tests have their folders there.
            var limits = new String[] {
                "--set",
                "health.disk-low=" + (free / MIB - 700) + "MiB",
                "--set",
                "health.disk-full=" + (free / MIB - 1_600) + "MiB"
            };
            try (var node = NodeProcess.start(data, limits)) {
                var filling = data.resolveSibling("filling");
                fill(filling, 1_150);
                until("it is degraded", () -> check(node, "disk").equals("degraded"));
                assertThat(status(node, "/health/ready")).isEqualTo(200);
                assertThat(submitted(node).statusCode()).isEqualTo(201);

                fill(filling, 2_050);
                until("it is not ready", () -> status(node, "/health/ready") == 503);
                var refused = submitted(node);
                assertThat(refused.statusCode()).isEqualTo(503);
                assertThat(new JsonObject(refused.body()).getString("code")).isEqualTo("STORAGE_FULL");
                assertThat(new JsonObject(refused.body()).getString("message"))
                        .contains(data.getParent().toString());
                assertThat(status(node, "/health/live")).isEqualTo(200);
                Files.delete(filling);
                until("there is room again", () -> status(node, "/health/ready") == 200);
                assertThat(submitted(node).statusCode()).isEqualTo(201);
            }
        } finally {
            delete(data.getParent());
        }
    }

    @Test
    void aRouterThatGetsNothingDoneIsDown() throws Exception {
        try (var node = NodeProcess.start(folder.resolve("data"), "--set", "health.stuck-after=2s");
                var holding = node.database()) {
            holding.setAutoCommit(false);
            // No claim goes on without the row of its node.
            execute(holding, "SELECT FROM nodes FOR UPDATE");
            assertThat(submitted(node).statusCode()).isEqualTo(201);
            until("the router is stuck", () -> check(node, "router").equals("down"));
            assertThat(status(node, "/health/ready")).isEqualTo(503);
            assertThat(status(node, "/health/live")).isEqualTo(200);

            holding.rollback();

            until("the router goes on", () -> check(node, "router").equals("up"));
        }
    }

    @Test
    void aRouterThatLeavesAReadyTaskIsDegraded() throws Exception {
        try (var node = NodeProcess.start(folder.resolve("data"), "--set", "health.stuck-after=2s");
                var holding = node.database()) {
            assertThat(node.post("/api/v1/queues/default/pause", "").statusCode())
                    .isEqualTo(200);
            assertThat(submitted(node).statusCode()).isEqualTo(201);
            holding.setAutoCommit(false);
            // Claims pass over what others have locked.
            assertThat(rows(holding, "SELECT id FROM task_ready FOR UPDATE")).isEqualTo(1);
            try (var other = node.database()) {
                execute(other, "DELETE FROM limits");
            }

            until("the task is missed", () -> check(node, "router").equals("degraded"));
            assertThat(status(node, "/health/ready")).isEqualTo(200);
            assertThat(reason(node, "router")).contains("in the queue default", "task explain");

            holding.rollback();
            until("all is well again", () -> check(node, "router").equals("up"));
        }
    }

    private static java.net.http.HttpResponse<String> submitted(NodeProcess node) throws IOException {
        return node.post("/api/v1/tasks", TASK);
    }

    private static int status(NodeProcess node, String path) {
        try {
            return node.get(path).statusCode();
        } catch (IOException _) {
            return 0;
        }
    }

    private static String check(NodeProcess node, String part) {
        return part(node, part).getString("status");
    }

    private static String reason(NodeProcess node, String part) {
        return part(node, part).getString("reason");
    }

    private static JsonObject part(NodeProcess node, String part) {
        try {
            return new JsonObject(node.get("/health").body())
                    .getJsonObject("checks")
                    .getJsonObject(part);
        } catch (IOException _) {
            return new JsonObject().put("status", "").put("reason", "");
        }
    }

    private static int rows(Connection database, String sql) throws SQLException {
        try (var statement = database.createStatement();
                var rows = statement.executeQuery(sql)) {
            var count = 0;
            while (rows.next()) {
                count++;
            }
            return count;
        }
    }

    private static void execute(Connection database, String sql) throws SQLException {
        try (var statement = database.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The one that starts the others first, so that none is left out. */
    private static List<ProcessHandle> freezeServerOf(Path data) throws Exception {
        var pid = Long.parseLong(Files.readAllLines(data.resolve("postgresql/data/postmaster.pid"))
                .getFirst()
                .strip());
        var postmaster = ProcessHandle.of(pid).orElseThrow();
        signal("STOP", List.of(postmaster));
        var others = postmaster.descendants().toList();
        signal("STOP", others);
        return Stream.concat(Stream.of(postmaster), others.stream()).toList();
    }

    private static void signal(String name, List<ProcessHandle> processes) throws Exception {
        for (var process : processes) {
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                    .start()
                    .waitFor();
        }
    }

    private static void fill(Path file, int mib) throws IOException {
        var part = new byte[(int) MIB];
        try (var out = Files.newOutputStream(file)) {
            for (var written = 0; written < mib; written++) {
                out.write(part);
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
