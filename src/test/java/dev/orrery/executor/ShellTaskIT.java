package dev.orrery.executor;

import static dev.orrery.executor.Workbench.shell;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShellTaskIT {

    @TempDir
    private Path folder;

    private Workbench bench;

    @BeforeEach
    void open() {
        bench = new Workbench(folder);
    }

    @AfterEach
    void close() {
        bench.close();
    }

    @Test
    void exitCodeZeroIsSuccessAndBothStreamsAreInTheLog() {
        var attempt = bench.start(shell("echo one; echo two >&2; echo three"));

        assertThat(attempt.outcome()).isEqualTo(new Succeeded(Json.NULL));
        assertThat(attempt.text().lines()).containsExactlyInAnyOrder("one", "two", "three");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            exit 3                       | exit code 3
            echo why >&2; exit 1         | exit code 1: why
            kill -9 $$                   | killed by signal 9 (SIGKILL)
            kill -SEGV $$                | killed by signal 11 (SIGSEGV)
            sh -c 'kill -TERM $$'; exit $? | killed by signal 15 (SIGTERM)
            exit 255                     | exit code 255
            """)
    void anotherExitCodeIsAFailureThatSaysWhatItMeans(String command, String error) {
        var outcome = (Failed) bench.run(shell(command));

        assertThat(outcome.error()).startsWith(error);
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void aCommandThatDoesNotExistFailsForGoodAndSaysWhereItWasSought() {
        var outcome = (Failed) bench.run(shell("echo begun; no-such-command --now"));

        assertThat(outcome.error()).contains("no-such-command").contains("/usr/local/bin:/usr/bin:/bin");
        assertThat(outcome.retryable()).isFalse();
    }
}
