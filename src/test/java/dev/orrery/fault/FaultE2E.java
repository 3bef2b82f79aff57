package dev.orrery.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Java;
import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The short form of the fault suite, as {@code scripts/fault --short} runs it. */
class FaultE2E {

    private static final int LIMIT_MINUTES = 9;

    @TempDir
    Path folder;

    @Test
    void aClusterOutlivesHarmAndTheCheckerFindsAMistake() throws IOException, InterruptedException {
        var output = folder.resolve("output.txt");
        var suite = suite(output);
        var end = new Thread(suite::destroy);
        Runtime.getRuntime().addShutdownHook(end);
        try {
            assertThat(suite.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES))
                    .as(() -> "ended in " + LIMIT_MINUTES + " min; it said:\n" + text(output))
                    .isTrue();
        } finally {
            suite.destroy(); // a signal on which it takes its cluster down
            suite.waitFor(1, TimeUnit.MINUTES);
            Runtime.getRuntime().removeShutdownHook(end);
        }

        assertThat(suite.exitValue()).as(() -> text(output)).isZero();
        assertThat(text(output)).contains("leader-killed", "cut-from-all", "NAIVE_DECREMENT was found");
    }

    private Process suite(Path output) throws IOException {
        return new ProcessBuilder(Java.command(
                        "-Dorrery.jvm=" + System.getProperty("orrery.jvm", ""),
                        "-Dorrery.jar=" + NodeProcess.jar(),
                        "-Dorrery.template=" + System.getProperty("orrery.template", ""),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.orrery.fault.Faults",
                        "--short",
                        "--kept",
                        Path.of("target", "fault").toAbsolutePath().toString()))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
