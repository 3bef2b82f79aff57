package dev.orrery.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.NodeProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A short form of {@link KilledLeaders}: few jobs, and two leaders that die. */
class KilledLeadersE2E {

    private static final int LIMIT_MINUTES = 5;

    @TempDir
    Path folder;

    @Test
    void eachDueTimeHasOneExecutionOrIsRecordedAsLeftOut() throws IOException, InterruptedException {
        var output = folder.resolve("output.txt");
        var leaders = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Dorrery.jar=" + NodeProcess.jar(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.orrery.fault.KilledLeaders",
                        "20",
                        "2")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        var end = new Thread(leaders::destroy);
        Runtime.getRuntime().addShutdownHook(end);
        try {
            assertThat(leaders.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES))
                    .as(() -> "ended in " + LIMIT_MINUTES + " min; it said:\n" + text(output))
                    .isTrue();
        } finally {
            leaders.destroy();
            leaders.waitFor(1, TimeUnit.MINUTES);
            Runtime.getRuntime().removeShutdownHook(end);
        }

        assertThat(leaders.exitValue()).as(() -> text(output)).isZero();
        assertThat(text(output)).contains("leader 2 of 2 was killed", "0 lost, 0 doubled, 0 without a run");
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
