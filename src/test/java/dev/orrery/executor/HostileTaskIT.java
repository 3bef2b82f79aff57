package dev.orrery.executor;

import static dev.orrery.executor.Workbench.python;
import static dev.orrery.executor.Workbench.shell;
import static dev.orrery.testing.Await.until;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.IsolationConfig;
import dev.orrery.config.IsolationConfig.Network;
import dev.orrery.domain.StartupException;
import dev.orrery.domain.dag.TaskType.Shell;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.executor.Isolation.Level;
import dev.orrery.testing.Needed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks that want the rights of the node, or what belongs to other tasks of the same account. */
class HostileTaskIT {

    /** No account of any system has this number. */
    private static final int USER = 45_877;

    private static final String OTHER_RUN = "019b0000-0000-7000-8000-00000000beef";

    @TempDir
    private Path folder;

    @BeforeEach
    void openTheWay() throws IOException {
        Needed.that(Account.owner(Path.of("/proc/self")) == 0, "only root can take another account");
        Needed.program("bwrap", "bubblewrap");
        Levels.of(Level.NAMESPACE);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        Files.createDirectory(folder.resolve("tasks"));
    }

    /** The loader complains in the name of every program that is to take up what is not there. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void noProgramThatConfinesATaskIsLedByItsVariables(int level) {
        var variables = Map.of("LD_PRELOAD", "/no/such/library.so", "PATH", "/no/such/folder", "OPTIND", "x");
        try (var bench = bench(level)) {
            var attempt = bench.start(new Shell("echo \"$LD_PRELOAD $PATH $OPTIND\"", variables, Optional.empty()));

            assertThat(attempt.outcome()).as(attempt.text()).isInstanceOf(Succeeded.class);
            assertThat(attempt.text().lines().filter(line -> line.contains("cannot be preloaded")))
                    .as(attempt.text())
                    .hasSize(1);
            assertThat(attempt.text()).contains("/no/such/library.so /no/such/folder");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whatStandsInVariablesArrivesAsItIs(int level) {
        var value = "it's \"so\" $HOME `id` \\ \n é * ; & end\n";
        try (var bench = bench(level)) {
            var attempt = bench.start(new Shell(
                    "printf %s \"$VALUE\" > $ORRERY_RUN_DIR/value; cat; tr '\\0' '\\n' < /proc/self/cmdline",
                    Map.of("VALUE", value), Optional.empty()));

            assertThat(attempt.outcome()).as(attempt.text()).isInstanceOf(Succeeded.class);
            assertThat(run(Workbench.RUN.toString()).resolve("value")).hasContent(value);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void tooManyVariablesFailForGood(int level) {
        try (var bench = bench(level)) {
            var outcome = (Failed) bench.run(new Shell("true", Map.of("VALUE", "x".repeat(200_000)), Optional.empty()));

            assertThat(outcome.error()).contains("too long");
            assertThat(outcome.retryable()).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void theFoldersOfOtherTasksAndRunsAreOutOfReach(int level) throws IOException {
        var account = new Account("" + USER, USER, USER);
        try (var bench = bench(level)) {
            var other = run(OTHER_RUN);
            Files.createDirectories(other);
            Files.writeString(other.resolve("secret"), "of-another-run");
            account.own(other);
            var victim = bench.start(shell("echo of-another-task > $HOME/secret; echo there > $ORRERY_RUN_DIR/ready;"
                    + " echo $HOME > $ORRERY_RUN_DIR/home; sleep 60"));
            until("it runs", () -> Files.exists(run(Workbench.RUN.toString()).resolve("home")));

            var thief = bench.start(shell("cd; home=$(cat $ORRERY_RUN_DIR/home); ls -d $home/../.. .; cat $home/secret;"
                    + " cat ../../$(basename $(dirname $home))/home/secret; cat " + other + "/secret;"
                    + " echo x > " + other + "/left; for fd in /proc/self/fd/*; do ls $fd/.. $fd/../../..; done;"
                    + " cat $ORRERY_RUN_DIR/ready; unshare -Urm sh -c \"umount " + other.getParent() + "; cat " + other
                    + "/secret\"; exit 0"));

            assertThat(thief.outcome()).isInstanceOf(Succeeded.class);
            assertThat(thief.text()).contains("there").doesNotContain("of-another", OTHER_RUN + "\n");
            assertThat(other.resolve("left")).doesNotExist();
            victim.execution().kill();
            victim.outcome();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void noMemoryIsLeftBehind(int level) throws IOException {
        var left = "orrery-left-" + USER;
        try (var bench = bench(level)) {
            var attempt = bench.start(shell("echo x > /dev/shm/" + left + " && ls /dev/shm && ipcmk -M 4096"));

            assertThat(attempt.outcome()).as(attempt.text()).isInstanceOf(Succeeded.class);
            assertThat(attempt.text()).startsWith(left + "\n");
        }
        assertThat(Path.of("/dev/shm", left)).doesNotExist();
        assertThat(Files.readString(Path.of("/proc/sysvipc/shm"))).doesNotContain(" " + USER + " ");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void whereMemoryEndsTheKernelTakesTasksFirst(int level) {
        Needed.program("choom", "util-linux");
        try (var bench = bench(level)) {
            var attempt = bench.start(shell("cat /proc/self/oom_score_adj"));

            attempt.outcome();
            assertThat(attempt.text()).isEqualTo("1000\n");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void everyProcessOfAFamilyHasTheLimitOfMemory(int level) {
        try (var bench = bench(level)) {
            var attempt = bench.start(python("""
                    import os
                    for child in range(20):
                        if os.fork() == 0:
                            try: held = bytearray(300 << 20); os.write(1, b"too much\\n")
                            except MemoryError: os.write(1, b"stopped\\n")
                            os._exit(0)
                    for child in range(20): os.wait()
                    """));

            assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
            assertThat(attempt.text().lines()).hasSize(20).containsOnly("stopped");
        }
    }

    @Test
    void noTaskIsPutIntoAFolderThatItsAccountMayNotPassThrough() throws IOException {
        var closed = Files.createDirectory(folder.resolve("closed"), WorkRoot.OWNER_ONLY);
        var inside = Files.createDirectory(closed.resolve("inside"));
        Files.writeString(inside.resolve("file"), "not-for-tasks");
        Files.setPosixFilePermissions(inside, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (var bench = bench(1)) {
            var attempt = bench.start(new Shell("cat ./file", Map.of(), Optional.of(inside.toString())));

            assertThat(((Failed) attempt.outcome()).error()).contains("cd");
            assertThat(attempt.text()).doesNotContain("not-for-tasks");
        }
    }

    @Test
    void aFileOfAnotherAccountIsNoOutput() throws IOException {
        var attempt = new AttemptFolder(folder);
        Files.writeString(attempt.output(), "{\"key\": \"of the node\"}");
        var account = new Account("" + USER, USER, USER);

        var taken = AttemptOutput.of(attempt, account::owns, new OutputLineWatch(), SecretMask.NONE);
        account.ownOne(attempt.output());
        var own = AttemptOutput.of(attempt, account::owns, new OutputLineWatch(), SecretMask.NONE);

        assertThat(((Failed) taken).error()).isEqualTo("the file $ORRERY_OUTPUT belongs to another account");
        assertThat(own).isInstanceOf(Succeeded.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whatIsNoFileIsNoOutput(int level) throws IOException {
        var secret = Files.writeString(folder.resolve("secret.json"), "{\"of\": \"the node\"}", UTF_8);
        try (var bench = bench(level)) {
            for (var made : List.of(
                    "mkfifo $ORRERY_OUTPUT",
                    "ln -s " + secret + " $ORRERY_OUTPUT",
                    "ln -s /dev/zero $ORRERY_OUTPUT",
                    "mkdir $ORRERY_OUTPUT",
                    "python3 -c 'import socket,os; os.chdir(os.path.dirname(os.environ[\"ORRERY_OUTPUT\"]));"
                            + " socket.socket(socket.AF_UNIX).bind(\"output.json\")'")) {
                assertThat(((Failed) bench.run(shell(made))).error()).as(made).contains("not a regular file");
            }
            assertThat(((Failed) bench.run(shell("truncate -s 3M $ORRERY_OUTPUT"))).error())
                    .contains("more than 256 KiB");
        }
    }

    @Test
    void aFolderOfRunsThatHoldsTheFilesOfTasksIsRefused() throws IOException {
        var folders = new TaskFolders(
                folder.resolve("data"),
                WorkRoot.open(folder.resolve("data/work")).path(),
                folder,
                Optional.of(folder.resolve("tasks")));

        assertThatThrownBy(() -> Confinement.of(demanded(1), Isolation.probe(), folders))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("tasks.directory lies in the folder of runs")
                .hasMessageContaining("tasks.run-directory");
    }

    private Path run(String id) {
        return folder.resolve("data/runs").resolve(id);
    }

    private Workbench bench(int level) {
        return new Workbench(folder, List.of(), demanded(level));
    }

    private static IsolationConfig demanded(int level) {
        return level == 0
                ? IsolationConfig.DEFAULT
                : new IsolationConfig(
                        level,
                        "" + USER,
                        Network.NONE,
                        List.of(),
                        256L << 20,
                        4L << 20,
                        Duration.ofSeconds(20),
                        60,
                        128);
    }
}
