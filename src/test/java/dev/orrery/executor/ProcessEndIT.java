package dev.orrery.executor;

import static dev.orrery.executor.Workbench.shell;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.executor.Isolation.Level;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How attempts end: wherever their processes have gone, and whatever becomes of the node. */
class ProcessEndIT {

    private static final Duration LONG_GRACE = Duration.ofMinutes(5);
    private static final Duration SHORT_GRACE = Duration.ofMillis(300);

    @TempDir
    private Path folder;

    private final Strays strays = new Strays();

    @AfterEach
    void clear() {
        strays.killAll();
    }

    @ParameterizedTest
    @EnumSource
    void stoppedItTakesAllItsProcessesWithIt(Level level) {
        try (var bench = new Workbench(folder, LONG_GRACE, Levels.of(level))) {
            var attempt = bench.start(shell(family()));
            strays.awaitCount(4);

            attempt.execution().stop();

            assertThat(attempt.outcome()).isInstanceOf(Failed.class);
            assertThat(strays.alive()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void endedItLeavesNothingBehind(Level level) {
        try (var bench = new Workbench(folder, LONG_GRACE, Levels.of(level))) {
            var attempt = bench.start(
                    shell("setsid " + strays.sleep() + " & (" + strays.sleep() + " &) ; sleep 0.2; echo '::output 1'"));

            assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
            assertThat(strays.alive()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIgnoresTheSignalIsKilledAfterTheGrace(Level level) {
        try (var bench = new Workbench(folder, SHORT_GRACE, Levels.of(level))) {
            var attempt = bench.start(shell("trap '' TERM; " + strays.sleep() + " & wait; " + strays.sleep()));
            strays.awaitCount(1);
            var begun = System.nanoTime();

            attempt.execution().stop();

            assertThat(((Failed) attempt.outcome()).error()).contains("SIGKILL");
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(SHORT_GRACE);
            assertThat(strays.alive()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatCleansUpIsGivenTheTimeForIt(Level level) {
        try (var bench = new Workbench(folder, LONG_GRACE, Levels.of(level))) {
            var child =
                    "sh -c 'trap \"sleep 0.3; echo cleaned; exit\" TERM; touch $ORRERY_RUN_DIR/up; while :; do sleep 0.05; done'";
            var attempt = bench.start(shell(child + "; echo the shell around it dies at once"));
            until("the child is up", () -> Files.exists(runFolder().resolve("up")));

            attempt.execution().stop();

            attempt.outcome();
            assertThat(attempt.text()).contains("cleaned").doesNotContain("dies at once");
        }
    }

    @ParameterizedTest
    @EnumSource
    void theSignalIsSeenByTheCommandItself(Level level) {
        try (var bench = new Workbench(folder, LONG_GRACE, Levels.of(level))) {
            var attempt = bench.start(
                    shell("trap 'echo told; exit 7' TERM; touch $ORRERY_RUN_DIR/up; while :; do sleep 0.02; done"));
            until("it is up", () -> Files.exists(runFolder().resolve("up")));

            attempt.execution().stop();

            assertThat(((Failed) attempt.outcome()).error()).startsWith("exit code 7");
            assertThat(attempt.text()).contains("told");
        }
    }

    @ParameterizedTest
    @EnumSource
    void stoppedWhileItStartsItEndsAllTheSame(Level level) {
        try (var bench = new Workbench(folder, LONG_GRACE, Levels.of(level))) {
            for (var millis = 0; millis < 20; millis++) {
                var attempt = bench.start(shell(strays.sleep()));
                java.util.concurrent.locks.LockSupport.parkNanos(millis * 700_000L);

                attempt.execution().stop();
                attempt.execution().stop();

                assertThat(attempt.outcome()).isInstanceOf(Failed.class);
                assertThat(strays.alive()).isEmpty();
            }
        }
    }

    @Test
    void aProcessThatGotAwayWithThePipeHoldsNothingUp() {
        try (var bench = new Workbench(folder, LONG_GRACE, Levels.of(Level.PLAIN))) {
            var attempt = bench.start(shell("echo before; env -i setsid " + strays.sleep() + " & sleep 0.3; exit 5"));

            assertThat(((Failed) attempt.outcome()).error()).startsWith("exit code 5");
            assertThat(attempt.text()).startsWith("before\n").contains("still holds its output");
            assertThat(strays.alive()).hasSize(1);
        }
    }

    @Test
    void inANamespaceNothingGetsAway() {
        try (var bench = new Workbench(folder, LONG_GRACE, Levels.of(Level.NAMESPACE))) {
            var attempt = bench.start(shell("env -i setsid " + strays.sleep() + " & sleep 0.2; exit 0"));

            assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
            assertThat(attempt.text()).isEmpty();
            assertThat(strays.alive()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void closingEndsWhatRuns(Level level) {
        var bench = new Workbench(folder, LONG_GRACE, Levels.of(level));
        var attempt = bench.start(shell(family()));
        strays.awaitCount(4);

        bench.close();

        assertThat(attempt.execution().outcome().isComplete()).isTrue();
        assertThat(strays.alive()).isEmpty();
        assertThat(folder.resolve("data/work")).isEmptyDirectory();
    }

    @ParameterizedTest
    @EnumSource
    void aKilledNodeLeavesNothingBehind(Level level) throws IOException {
        Levels.of(level);
        var node = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        KilledNode.class.getName(),
                        level.name(),
                        folder.toString(),
                        family())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var lines = new BufferedReader(new InputStreamReader(node.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(lines.readLine()).isEqualTo("started");
            strays.awaitCount(4);

            node.destroyForcibly();

            strays.awaitCount(0);
            until("the work folder is empty", () -> isEmpty(folder.resolve("data/work")));
        } finally {
            node.destroyForcibly();
        }
    }

    /** In the foreground, in the background, in another session, and as a daemon whose parents are gone. */
    private String family() {
        var sleep = strays.sleep();
        return sleep + " & setsid " + sleep + " & (setsid sh -c '" + sleep + " & exit' &) ; " + sleep + "; exit 9";
    }

    private Path runFolder() {
        return folder.resolve("data/runs").resolve(Workbench.RUN.toString());
    }

    private static boolean isEmpty(Path path) {
        try (var entries = Files.list(path)) {
            return entries.findAny().isEmpty();
        } catch (IOException e) {
            return false;
        }
    }
}
