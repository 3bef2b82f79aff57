package dev.orrery.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import dev.orrery.testing.NodeProcess;
import dev.orrery.testing.OwnProcesses;
import dev.orrery.testing.Ports;
import dev.orrery.testing.Postgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The real jar: what stands in the way of its start is told in one line, and nothing is left behind. */
class StartAndStopE2E {

    @TempDir
    Path folder;

    private record Ended(int code, String output) {}

    @Test
    void sigtermDrainsAndEndsWithZero() throws Exception {
        try (var node = NodeProcess.start(folder.resolve("data"))) {
            assertThat(node.get("/health/live").statusCode()).isEqualTo(200);
            assertThat(node.get("/").body()).contains("Orrery");
            assertThat(node.get("/metrics").body()).contains("orrery_http_requests");

            assertThat(node.stop()).isZero();
            assertThat(node.output()).contains("stopped").doesNotContain("System.exit");
        }
        assertThat(folder.resolve("data/postgresql/data/postmaster.pid")).doesNotExist();
    }

    @Test
    void sigtermOfANodeThatHasNothingToDoWaitsForNoDatabase() throws Exception {
        var server = Postgres.safe();
        try (var node = NodeProcess.start(
                folder.resolve("data"), "--database-url", server.empty().url())) {
            server.close();
            Await.until("it is missed", () -> !node.isReady());

            assertThat(node.stop(Duration.ofSeconds(25))).as(node.output()).isZero();
        }
    }

    @Test
    void sigtermWhileItWaitsForItsDatabaseEndsItAtOnce() throws Exception {
        var url = "postgresql://orrery:secret@127.0.0.1:" + Ports.free() + "/orrery";

        var process = started("--database-url", url, "--set", "database.connect-timeout=10m");
        Await.until("it waits", () -> process.printed().contains("database_awaited"));

        assertThat(process.stop(Duration.ofSeconds(15))).isZero();
        assertThat(process.printed()).contains("stopped").doesNotContain("\tat ");
    }

    /** At whatever stage: before the JVM knows of signals, while the server is made, while it migrates, while it joins. */
    @ParameterizedTest
    @ValueSource(ints = {400, 1_500, 4_000})
    void sigtermDuringTheStartLeavesNothingBehind(int afterMillis) throws Exception {
        var process = started("--data-dir", data());
        assertThat(process.process().waitFor(afterMillis, TimeUnit.MILLISECONDS))
                .isFalse();

        // 143 is the JVM's own answer, where it was too early for ours.
        assertThat(process.stop(Duration.ofSeconds(45))).isIn(0, 143);

        assertThat(process.printed()).doesNotContain("\tat ");
        assertThat(ProcessHandle.allProcesses()
                        .filter(other -> other.info().commandLine().orElse("").contains(data()))
                        .map(other -> other.info().commandLine().orElse("")))
                .isEmpty();
        assertThat(folder.resolve("data/postgresql/data/postmaster.pid")).doesNotExist();
        assertThat(folder.resolve("data/postgresql/initdb.password")).doesNotExist();
        try (var node = NodeProcess.startNew(folder.resolve("data"))) {
            assertThat(node.stop()).isZero();
        }
    }

    private record Started(Process process, Path output) {

        String printed() {
            try {
                return Files.readString(output);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        int stop(Duration limit) throws InterruptedException {
            process.destroy();
            assertThat(process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
                    .as(printed())
                    .isTrue();
            return process.exitValue();
        }
    }

    private Started started(String... arguments) throws IOException {
        var output = folder.resolve("printed");
        var command = NodeProcess.commandLine("node", "--http-port", "0");
        command.addAll(List.of(arguments));
        var process = NodeProcess.withoutSettings(new ProcessBuilder(command))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        return new Started(OwnProcesses.own(process), output);
    }

    @Test
    void aPortInUseIsTold() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var ended = run("node", "--data-dir", data(), "--http-port", Integer.toString(taken.getLocalPort()));

            assertThat(ended.code()).isEqualTo(1);
            assertThat(ended.output())
                    .contains(Integer.toString(taken.getLocalPort()))
                    .contains("in use");
            assertThat(Path.of(data())).as("nothing was begun").doesNotExist();
            assertThat(ended.output()).doesNotContain("\tat ");
        }
    }

    @Test
    void aDataFolderThatIsAFileIsTold() throws Exception {
        var file = Files.writeString(folder.resolve("file"), "not a folder");

        var ended = run("node", "--data-dir", file.toString(), "--http-port", "0");

        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.output()).contains(file.toString()).doesNotContain("\tat ");
    }

    @Test
    void aDataFolderThatCannotBeWrittenIsTold() throws Exception {
        // Not even root can make a folder here.
        var ended = run("node", "--data-dir", "/proc/orrery/data", "--http-port", "0");

        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.output()).contains("/proc/orrery").doesNotContain("	at ");
    }

    @Test
    void aSecondNodeOnTheSameFolderIsRefused() throws Exception {
        try (var node = NodeProcess.start(folder.resolve("data"))) {
            var ended = run("node", "--data-dir", data(), "--http-port", "0");

            assertThat(ended.code()).isEqualTo(1);
            assertThat(ended.output()).contains(Long.toString(node.pid())).doesNotContain("\tat ");
        }
    }

    @Test
    void aMisspeltSettingIsRefusedWithTheNearestOne() throws Exception {
        var ended = run("node", "--data-dir", data(), "--set", "worker.size=2");

        assertThat(ended.code()).isEqualTo(2);
        assertThat(ended.output()).contains("worker.size").contains("workers.size");
        assertThat(folder.resolve("data")).doesNotExist();
    }

    private String data() {
        return folder.resolve("data").toString();
    }

    private static Ended run(String... arguments) throws IOException, InterruptedException {
        var command = NodeProcess.commandLine();
        command.addAll(List.of(arguments));
        var process = NodeProcess.withoutSettings(new ProcessBuilder(command))
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), output);
    }
}
