package dev.orrery.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.executor.Isolation.Level;
import dev.orrery.testing.Needed;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of attempts while their node stands still. */
class FrozenNodeIT {

    private static final Duration LIMIT = Duration.ofSeconds(2);

    @TempDir
    private Path folder;

    private final Strays strays = new Strays();

    @AfterEach
    void clear() {
        strays.killAll();
    }

    @ParameterizedTest
    @CsvSource({"SESSION,0", "NAMESPACE,0", "NAMESPACE,1", "NAMESPACE,2"})
    void theGuardKillsWhatAFrozenNodeRunsAndTheNodeSaysSoWhenItGoesOn(Level holding, int level)
            throws IOException, InterruptedException {
        Levels.of(holding);
        Files.createDirectory(folder.resolve("tasks"));
        if (level > 0) {
            Needed.that(Account.owner(Path.of("/proc/self")) == 0, "only root can take another account");
            Needed.program("bwrap", "bubblewrap");
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        }
        var node = start(holding, level, LIMIT);
        try (var told = lines(node)) {
            assertThat(told.readLine()).isEqualTo("started");
            strays.awaitCount(2);
            var begun = System.nanoTime();

            signal(node, "STOP");

            strays.awaitCount(0);
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isBetween(LIMIT.minusMillis(300), LIMIT.plusSeconds(3));
            signal(node, "CONT");
            assertThat(told.readLine()).contains("its guard killed the attempt", "NodeFrozen");
            assertThat(told.readLine()).startsWith("Succeeded");
            assertThat(node.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(folder.resolve("data/work")).isEmptyDirectory();
        } finally {
            node.destroyForcibly();
        }
    }

    @Test
    void aNodeThatLivesKeepsItsAttempts() throws IOException {
        var node = start(Level.SESSION, 0, Duration.ofSeconds(1));
        try (var told = lines(node)) {
            assertThat(told.readLine()).isEqualTo("started");
            strays.awaitCount(2);
            sleepTwiceTheLimit();

            assertThat(strays.alive()).hasSize(2);
        } finally {
            node.destroyForcibly();
        }
        strays.awaitCount(0);
    }

    /** Nothing is to happen in this time. */
    private static void sleepTwiceTheLimit() {
        java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofSeconds(2).toNanos());
    }

    private Process start(Level holding, int level, Duration limit) throws IOException {
        var sleep = strays.sleep();
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        FrozenNode.class.getName(),
                        holding.name(),
                        "" + level,
                        folder.toString(),
                        "" + limit.toMillis(),
                        "setsid " + sleep + " & " + sleep)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static BufferedReader lines(Process node) {
        return new BufferedReader(new InputStreamReader(node.getInputStream(), StandardCharsets.UTF_8));
    }

    private static void signal(Process node, String name) throws IOException, InterruptedException {
        var kill = new ProcessBuilder("kill", "-s", name, "" + node.pid()).start();
        assertThat(kill.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(kill.exitValue()).isZero();
    }
}
