package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Etcd;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.Ports;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real jar, told to stop while its start waits for something that takes long: it waits no more, and the code is 0. */
class SigtermDuringStartE2E {

    /** A few seconds on a machine that has much else to do. */
    private static final Duration AT_ONCE = Duration.ofSeconds(8);

    @TempDir
    Path folder;

    @Test
    void whileAnotherNodeBringsTheDatabaseUpToDate() throws Exception {
        try (var server = Postgres.safe();
                var database = server.empty();
                var migrating = begin("migrating", "--database-url", database.url())) {
            until("it stands still in the middle", Duration.ofSeconds(60), () -> standsStill(migrating, database));
            var before = database.value("SELECT clock_timestamp()");
            var waiting = begin("waiting", "--database-url", database.url());
            until(
                    "it waits",
                    Duration.ofSeconds(60),
                    () -> !database.value(LOCKS_ASKED_FOR + " AND query_start > '" + before + "'")
                            .equals("0"));

            assertThat(waiting.stop(AT_ONCE)).as(waiting.output()).isZero();

            assertThat(waiting.output()).contains("stopped").doesNotContain("\tat ");
            migrating.signal("CONT");
            until("the other is not disturbed", Duration.ofSeconds(60), migrating::isReady);
            assertThat(migrating.stop()).isZero();
        }
    }

    private static final String LOCKS_HELD =
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
                    + " (SELECT oid FROM pg_database WHERE datname = current_database())";

    /** It asks for the lock once a second. */
    private static final String LOCKS_ASKED_FOR =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_try_advisory%'"
                    + " AND application_name = 'orrery-migrations'";

    /** Stopped by a signal while it holds the lock, after the first step is committed. */
    private static boolean standsStill(NodeProcess node, TestDatabase database) {
        try {
            if (database.value("SELECT to_regclass('orrery.tenants') IS NULL").equals("t")
                    || database.value(LOCKS_HELD).equals("0")) {
                return false;
            }
            node.signal("STOP");
            if (database.value(LOCKS_HELD).equals("0")) {
                node.signal("CONT");
                return false;
            }
            return true;
        } catch (IOException broken) {
            throw new UncheckedIOException(broken);
        }
    }

    @Test
    void whileItsOwnServerRecovers() throws Exception {
        var data = folder.resolve("data");
        try (var node = NodeProcess.start(data)) {
            assertThat(node.stop()).isZero();
        }
        // The server waits for a part of its log that takes its time to come.
        var cluster = data.resolve("postgresql/data");
        Files.writeString(cluster.resolve("postgresql.auto.conf"), "restore_command = 'sleep 600'\n");
        Files.createFile(cluster.resolve("recovery.signal"));

        var node = NodeProcess.begin(Map.of(), data);
        until(
                "the server recovers",
                Duration.ofSeconds(60),
                () -> !processesOf("postgres", cluster).isEmpty() && Files.exists(cluster.resolve("postmaster.pid")));

        assertThat(node.stop(AT_ONCE)).as(node.output()).isZero();

        assertThat(node.output()).contains("stopped").doesNotContain("\tat ");
        assertThat(processesOf("postgres", cluster)).isEmpty();
        assertThat(cluster.resolve("postmaster.pid")).doesNotExist();
        Files.delete(cluster.resolve("recovery.signal"));
        Files.writeString(cluster.resolve("postgresql.auto.conf"), "");
        try (var next = NodeProcess.start(data)) {
            assertThat(next.stop()).isZero();
        }
    }

    private static List<Long> processesOf(String program, Path cluster) {
        return ProcessHandle.allProcesses()
                .filter(process -> standsIn(cluster, process, program))
                .map(ProcessHandle::pid)
                .toList();
    }

    private static boolean standsIn(Path cluster, ProcessHandle process, String program) {
        var proc = Path.of("/proc", Long.toString(process.pid()));
        try {
            return Files.readString(proc.resolve("comm")).strip().equals(program)
                    && Files.isSameFile(proc.resolve("cwd"), cluster);
        } catch (IOException ended) {
            return false;
        }
    }

    @Test
    void whileEtcdIsNotReached() throws Exception {
        try (var server = Postgres.safe();
                var database = server.empty();
                var node = begin(
                        "data",
                        "--database-url",
                        database.url(),
                        "--etcd",
                        "http://127.0.0.1:" + Ports.free(),
                        "--set",
                        "etcd.connect-timeout=10m")) {
            until(
                    "it waits",
                    Duration.ofSeconds(60),
                    () -> node.output().contains("etcd_awaited")
                            && node.output().contains("PostgreSQL"));

            assertThat(node.stop(AT_ONCE)).as(node.output()).isZero();

            assertThat(node.output()).contains("stopped").doesNotContain("\tat ");
            assertThat(database.value("SELECT count(*) FROM nodes")).isEqualTo("0");
        }
    }

    @Test
    void whileAnotherNodeOfTheBusTakesConnectionsAndSaysNothing() throws Exception {
        try (var silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                var etcd = Etcd.start(1);
                var server = Postgres.safe();
                var database = server.empty()) {
            etcd.put("/orrery/members/" + STRANGER, member(silent.getLocalPort()));
            try (var node = begin(
                    "data",
                    "--config",
                    "conf/cluster.yaml",
                    "--database-url",
                    database.url(),
                    "--etcd",
                    etcd.endpoints().getFirst())) {
                // The kernel takes the connection; nobody ever reads from it.
                silent.setSoTimeout(60_000);
                try (var _ = silent.accept()) {
                    assertThat(node.output()).doesNotContain("joined the event bus");

                    assertThat(node.stop(AT_ONCE)).as(node.output()).isZero();

                    assertThat(node.output()).contains("stopped").doesNotContain("\tat ");
                    assertThat(database.value("SELECT count(*) FROM nodes WHERE fenced_at IS NULL"))
                            .isEqualTo("0");
                }
            }
        }
    }

    private static final UUID STRANGER = UUID.fromString("01990000-0000-7000-8000-000000000001");

    /** As nodes write it of themselves. */
    private static String member(int port) {
        return new JsonObject()
                .put("node", STRANGER.toString())
                .put("name", "silent")
                .put("version", "1")
                .put("httpAddress", "http://127.0.0.1:1")
                .put("busHost", "127.0.0.1")
                .put("memberPort", port)
                .put("capabilities", new JsonArray())
                .encode();
    }

    private NodeProcess begin(String name, String... arguments) throws IOException {
        return NodeProcess.begin(Map.of(), folder.resolve(name), arguments);
    }
}
