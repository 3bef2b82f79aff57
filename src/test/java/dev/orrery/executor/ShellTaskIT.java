package dev.orrery.executor;

import static dev.orrery.executor.Workbench.shell;
import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Snoozed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.domain.task.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShellTaskIT {

    @TempDir
    private Path folder;

    private Workbench bench;

    @BeforeEach
    void open() throws IOException {
        Files.createDirectory(folder.resolve("tasks"));
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
    @CsvSource(delimiter = '|', quoteCharacter = '%', textBlock = """
            exit 3                         | exit code 3
            echo why >&2; exit 1           | exit code 1: why
            kill -9 $$                     | killed by signal 9 (SIGKILL)
            kill -SEGV $$                  | killed by signal 11 (SIGSEGV)
            sh -c 'kill -TERM $$'; exit $? | killed by signal 15 (SIGTERM)
            exit 255                       | exit code 255
            """)
    void anotherExitCodeIsAFailureThatSaysWhatItMeans(String command, String error) {
        var outcome = (Failed) bench.run(shell(command));

        assertThat(outcome.error()).startsWith(error);
        assertThat(outcome.retryable()).isTrue();
    }

    @Test
    void aCommandThatDoesNotExistFailsForGoodAndSaysWhereItWasSought() {
        var outcome = (Failed) bench.run(shell("echo begun; no-such-command --now"));

        assertThat(outcome.error())
                .contains("exit code 127")
                .contains("no-such-command")
                .contains("/usr/local/bin:/usr/bin:/bin");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void aFileThatIsNotExecutableFailsForGood() throws IOException {
        Files.writeString(folder.resolve("tasks/plain.sh"), "echo never");

        var outcome = (Failed) bench.run(new Shell("./plain.sh", Map.of(), Optional.of(".")));

        assertThat(outcome.error()).contains("exit code 126").contains("not executable");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void theEnvironmentIsExactlyWhatTheTaskMayKnow() {
        var attempt =
                bench.start(new Shell("env", Map.of("REGION", "eu", "ORRERY_RUN_ID", "forged"), Optional.empty()));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        var env = attempt.text()
                .lines()
                .map(line -> line.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
        assertThat(env)
                .containsOnlyKeys(
                        "PATH",
                        "LANG",
                        "TZ",
                        "HOME",
                        "PWD",
                        "TRACEPARENT",
                        "REGION",
                        "ORRERY_API",
                        "ORRERY_TOKEN",
                        "ORRERY_DAG_ID",
                        "ORRERY_TENANT",
                        "ORRERY_DAG_NAME",
                        "ORRERY_RUN_ID",
                        "ORRERY_TASK_ID",
                        "ORRERY_TASK_INSTANCE_ID",
                        "ORRERY_ATTEMPT",
                        "ORRERY_FENCE",
                        "ORRERY_RUN_DIR",
                        "ORRERY_INPUTS",
                        "ORRERY_PARAMS",
                        "ORRERY_OUTPUT")
                .containsEntry("PATH", "/usr/local/bin:/usr/bin:/bin")
                .containsEntry("PWD", env.get("HOME"))
                .containsEntry("REGION", "eu")
                .containsEntry("TRACEPARENT", attempt.context().trace().traceparent())
                .containsEntry("ORRERY_API", Workbench.API)
                .containsEntry("ORRERY_TOKEN", "*".repeat(Workbench.TOKEN.length()))
                .containsEntry("ORRERY_DAG_ID", Workbench.DAG.toString())
                .containsEntry("ORRERY_TENANT", "acme")
                .containsEntry("ORRERY_DAG_NAME", "night watch")
                .containsEntry("ORRERY_RUN_ID", Workbench.RUN.toString())
                .containsEntry("ORRERY_TASK_ID", "probe")
                .containsEntry(
                        "ORRERY_TASK_INSTANCE_ID",
                        attempt.context().instanceId().toString())
                .containsEntry("ORRERY_ATTEMPT", "1")
                .containsEntry("ORRERY_FENCE", "77")
                .containsEntry(
                        "ORRERY_RUN_DIR",
                        folder.resolve("data/runs")
                                .resolve(Workbench.RUN.toString())
                                .toString());
    }

    @Test
    void theTokenOfTheAttemptIsGivenAndTellsItselfNowhere() throws IOException {
        var copy = folder.resolve("token");
        var attempt = bench.start(
                shell(
                        "printf %s \"$ORRERY_TOKEN\" > '" + copy
                                + "'; set -x; echo \"$ORRERY_TOKEN\"; set +x; echo \"bye $ORRERY_TOKEN\" >&2; ps -o args= -p $$; exit 3"));

        var failed = (Failed) attempt.outcome();

        assertThat(copy).hasContent(Workbench.TOKEN);
        assertThat(attempt.text()).contains("bye ***").doesNotContain(Workbench.TOKEN);
        assertThat(failed.error()).endsWith("***").doesNotContain(Workbench.TOKEN);
    }

    @Test
    void theTokenIsHiddenInOutputsToo() {
        var byLine = (Succeeded) bench.run(shell("echo \"::output \\\"$ORRERY_TOKEN\\\"\""));
        var byFile = (Succeeded) bench.run(shell("printf '\"%s\"' \"$ORRERY_TOKEN\" > \"$ORRERY_OUTPUT\""));

        var stars = "\"" + "*".repeat(Workbench.TOKEN.length()) + "\"";
        assertThat(byLine.output().text()).isEqualTo(stars);
        assertThat(byFile.output().text()).isEqualTo(stars);
    }

    @Test
    void aTaskMayBringATokenOfItsOwn() {
        var attempt = bench.start(new Shell("echo $ORRERY_TOKEN", Map.of("ORRERY_TOKEN", "mine"), Optional.empty()));

        attempt.outcome();

        assertThat(attempt.text()).isEqualTo("mine\n");
    }

    @Test
    void aTaskPutsItselfOffByTheLastLineThatSaysSo() {
        var snoozed = bench.run(shell("echo ::output 1; echo ::snooze 1h; echo '::snooze  10m '; echo bye"));

        assertThat(snoozed).isEqualTo(new Snoozed(Duration.ofMinutes(10)));
        assertThat(((Failed) bench.run(shell("echo ::snooze 10m; exit 3"))).error())
                .startsWith("exit code 3");
        assertThat(bench.run(shell("echo ' ::snooze 10m'; echo ::snoozes 1h; echo '::snooze 10m' >&2")))
                .isInstanceOf(Succeeded.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "10", "0s", "999ms", "31d", "-1m", ""})
    void byATimeThatIsNoneNothingIsPutOff(String time) {
        var failed = (Failed) bench.run(shell("echo '::snooze " + time + "'"));

        assertThat(failed.error())
                .isEqualTo("the ::snooze line says '" + time + "': a task puts itself off by 1s to 30d, such as 10m");
        assertThat(failed.retryable()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a-b", "1A", "", "A=B", "Ä"})
    void aNameThatNoVariableCanHaveFailsForGood(String name) {
        var outcome = (Failed) bench.run(new Shell("true", Map.of(name, "x"), Optional.empty()));

        assertThat(outcome.error()).contains("'" + name + "'");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void inputsAndParamsAreJsonFiles() {
        var task = Workbench.task(shell("cat \"$ORRERY_INPUTS\"; echo; cat \"$ORRERY_PARAMS\"; echo"));
        var attempt = bench.start(task, Map.of(new TaskId("extract"), new Json("{\"rows\":3}")), 1);

        attempt.outcome();

        assertThat(attempt.text()).isEqualTo("{\"extract\":{\"rows\":3}}\n{\"day\":\"today\"}\n");
    }

    @Test
    void itWorksInAnEmptyFolderOfItsOwnThatIsGoneAfterwards() {
        var attempt = bench.start(shell("pwd; ls -A; stat -c %a . ..; echo x > left-behind; mkdir -m 0 shut"));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        var lines = attempt.text().lines().toList();
        assertThat(lines).hasSize(3).endsWith("700", "700");
        assertThat(Path.of(lines.getFirst()).getParent()).doesNotExist();
    }

    @Test
    void theRunFolderIsSharedByTheTasksOfARun() throws IOException {
        bench.run(shell("echo from the first > \"$ORRERY_RUN_DIR/note\""));
        var second = bench.start(shell("cat \"$ORRERY_RUN_DIR/note\""));

        assertThat(second.outcome()).isInstanceOf(Succeeded.class);
        assertThat(second.text()).isEqualTo("from the first\n");
        var runFolder = folder.resolve("data/runs").resolve(Workbench.RUN.toString());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(runFolder)))
                .isEqualTo("rwx------");

        bench.executors.runFolders().remove(Workbench.RUN);
        assertThat(runFolder).doesNotExist();
    }

    @Test
    void workingDirectoriesAreRelativeToTheTasksDirectory() throws IOException {
        Files.createDirectory(folder.resolve("tasks/reports"));
        Files.writeString(folder.resolve("tasks/reports/data"), "found");

        var attempt = bench.start(new Shell("cat data", Map.of(), Optional.of("reports")));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).isEqualTo("found\n");
    }

    @Test
    void aMissingWorkingDirectoryFailsForGoodAndIsNamedInFull() {
        var attempt = bench.start(new Shell("true", Map.of(), Optional.of("nowhere")));

        var outcome = (Failed) attempt.outcome();

        assertThat(outcome.error())
                .contains("workingDirectory 'nowhere'")
                .contains(folder.resolve("tasks/nowhere").toString());
        assertThat(outcome.retryable()).isFalse();
        assertThat(attempt.text()).contains(outcome.error());
    }

    @Test
    void theLastOutputLineIsTheOutput() {
        var outcome = bench.run(shell("echo '::output 1'; echo '::output {\"rows\": 42}'; echo done"));

        assertThat(outcome).isEqualTo(new Succeeded(new Json("{\"rows\":42}")));
    }

    @Test
    void theOutputFileWinsOverTheOutputLine() {
        var outcome = bench.run(shell("echo '::output 1'; echo '[2]' > \"$ORRERY_OUTPUT\""));

        assertThat(outcome).isEqualTo(new Succeeded(new Json("[2]")));
    }

    @Test
    void anEmptyOutputFileSaysNothing() {
        var outcome = bench.run(shell("echo '::output 1'; : > \"$ORRERY_OUTPUT\""));

        assertThat(outcome).isEqualTo(new Succeeded(new Json("1")));
    }

    @Test
    void outputIsCleanedOfWhatTheDatabaseRefuses() {
        var outcome = bench.run(shell("echo '::output \"a\\u0000b\\ud800\"'"));

        assertThat(outcome).isEqualTo(new Succeeded(new Json("\"a\uFFFDb\uFFFD\"")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '@', quoteCharacter = '%', textBlock = """
            echo '::output {rows}'                                      @ the ::output line is not JSON
            echo nope > $ORRERY_OUTPUT                                  @ the file $ORRERY_OUTPUT is not JSON
            head -c 300000 /dev/zero | tr '\\000' 1 > $ORRERY_OUTPUT    @ more than 256 KiB
            printf '::output '; head -c 300000 /dev/zero | tr '\\000' 1 @ more than 256 KiB
            mkdir $ORRERY_OUTPUT                                        @ not a regular file
            mkfifo $ORRERY_OUTPUT                                       @ not a regular file
            """)
    void outputThatCannotBeTakenFailsForGood(String command, String error) {
        var outcome = (Failed) bench.run(shell(command));

        assertThat(outcome.error()).contains(error);
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void outputOfAFailureIsNoOutput() {
        assertThat(bench.run(shell("echo '::output 1'; exit 1"))).isInstanceOf(Failed.class);
    }

    @Test
    void nulAndBadUtf8AreReplacedInTheLog() {
        var attempt = bench.start(shell("printf 'a\\000b\\377c\\n\\033[31mred\\033[0m\\n'"));

        attempt.outcome();

        assertThat(attempt.text()).isEqualTo("a\uFFFDb\uFFFDc\n\u001b[31mred\u001b[0m\n");
    }

    @Test
    void theLogCanBeFollowedWhileTheTaskRuns() {
        var attempt =
                bench.start(shell("echo begun; until [ -e \"$ORRERY_RUN_DIR/go\" ]; do sleep 0.02; done; echo over"));

        until("the first line is stored", () -> attempt.text().equals("begun\n"));
        assertThat(attempt.execution().outcome().isComplete()).isFalse();

        bench.run(shell("touch \"$ORRERY_RUN_DIR/go\""));
        attempt.outcome();
        assertThat(attempt.text()).isEqualTo("begun\nover\n");
    }

    @Test
    void aGigabyteOfOutputIsBoundedInTheStoreAndInMemory() {
        var line = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnop";
        var attempt = bench.start(shell("echo first; yes '" + line + "' | head -c 1073741824; echo last"));

        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.stored().length()).isLessThanOrEqualTo(1 << 20).isGreaterThan((1 << 20) - 2_000);
        assertThat(attempt.stored().chunks()).isLessThan(100);
        assertThat(attempt.text())
                .startsWith("first\n" + line + "\n")
                .endsWith("last\n")
                .contains(" bytes are missing here");
    }

    @Test
    void aCommandLongerThanTheKernelTakesRunsAllTheSame() {
        var assignments =
                IntStream.range(0, 20_000).mapToObj(i -> "x=" + i + "; ").collect(Collectors.joining());
        var attempt = bench.start(shell(assignments + "echo $x"));

        assertThat(assignments.length()).isGreaterThan(128 << 10);
        assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
        assertThat(attempt.text()).isEqualTo("19999\n");
    }

    @Test
    void anEnvironmentLargerThanTheKernelTakesFailsForGood() {
        var outcome = (Failed) bench.run(new Shell("true", Map.of("BIG", "x".repeat(200_000)), Optional.empty()));

        assertThat(outcome.error()).startsWith("cannot start: ").contains("too long");
        assertThat(outcome.retryable()).isFalse();
    }

    @Test
    void nulInTheCommandFailsForGood() {
        assertThat(bench.run(shell("echo a\0b")))
                .isInstanceOfSatisfying(
                        Failed.class, failed -> assertThat(failed.retryable()).isFalse());
    }

    @Test
    void standardInputIsEmpty() {
        assertThat(bench.run(shell("test -z \"$(cat)\""))).isInstanceOf(Succeeded.class);
    }

    @Test
    void manyAtOnceDoNotDisturbEachOther() {
        var attempts = IntStream.range(0, 20)
                .mapToObj(i -> bench.start(shell("echo \"::output $((" + i + " + 1))\"")))
                .toList();

        assertThat(attempts.stream().map(Workbench.Attempt::outcome).toList())
                .isEqualTo(IntStream.range(0, 20)
                        .<AttemptOutcome>mapToObj(i -> new Succeeded(new Json(String.valueOf(i + 1))))
                        .toList());
    }

    @Test
    void nothingOfTheAttemptsIsLeftInTheDataFolder() throws IOException {
        bench.run(shell("true"));
        bench.run(shell("exit 1"));
        try (var roots = Files.list(folder.resolve("data/work"))) {
            var root = roots.toList().getFirst();
            try (var left = Files.list(root)) {
                assertThat(left.map(path -> path.getFileName().toString()).toList())
                        .isEqualTo(List.of(".lock"));
            }
        }
    }

    @Test
    void eachFailureHasItsKind() {
        assertThat(kind("exit 75")).isEqualTo(new FailureKind.ExitCode(75));
        assertThat(kind("kill -9 $$")).isEqualTo(new FailureKind.Signal(9));
        assertThat(kind("no-such-command")).isEqualTo(new FailureKind.ExitCode(127));
        assertThat(kind("echo '::output {'")).isEqualTo(new FailureKind.NamedError("BadOutput"));
        assertThat(((Failed) bench.run(new Shell("true", Map.of(), Optional.of("no-such-folder")))).kind())
                .isEqualTo(new FailureKind.CouldNotStart());
    }

    private FailureKind kind(String command) {
        return ((Failed) bench.run(shell(command))).kind();
    }
}
