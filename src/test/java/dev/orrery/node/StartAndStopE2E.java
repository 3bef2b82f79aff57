package dev.orrery.node;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Java;
import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        }
        assertThat(folder.resolve("data/postgresql/data/postmaster.pid")).doesNotExist();
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
        var command = Java.command("-jar", NodeProcess.jar().toString());
        command.addAll(List.of(arguments));
        var process = NodeProcess.withoutSettings(new ProcessBuilder(command))
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), output);
    }
}
