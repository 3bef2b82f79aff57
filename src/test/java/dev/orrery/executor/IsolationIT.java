package dev.orrery.executor;

import static dev.orrery.executor.Workbench.python;
import static dev.orrery.executor.Workbench.shell;
import static dev.orrery.testing.Await.until;
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
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What hostile tasks can do at the levels that keep them away from the node. */
class IsolationIT {

    /** No account of any system has this number. */
    private static final int USER = 45_871;

    private static final int PROCESSES = 60;
    private static final long MAX_FILE = 4L << 20;
    private static final String PASSWORD = "hidden-pass-4711";

    @TempDir
    private Path folder;

    private final Strays strays = new Strays();

    @BeforeEach
    void openTheWay() throws IOException {
        Needed.that(Account.owner(Path.of("/proc/self")) == 0, "only root can take another account");
        Needed.program("bwrap", "bubblewrap");
        Levels.of(Level.NAMESPACE);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        Files.createDirectory(folder.resolve("tasks"));
    }

    @AfterEach
    void clear() {
        strays.killAll();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aTaskIsAnotherUserWhoCanGainNothing(int level) {
        try (var bench = bench(level)) {
            var attempt = bench.start(shell("id -u; id -G; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status;"
                    + " echo more > $HOME/file; echo '{\"a\":1}' > $ORRERY_OUTPUT; echo kept > $ORRERY_RUN_DIR/kept"));

            assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
            assertThat(attempt.text().replace("\t", ""))
                    .isEqualTo(
                            USER + "\n" + USER + "\nCapEff:0000000000000000\nCapBnd:0000000000000000\nNoNewPrivs:1\n");
            assertThat(folder.resolve("data/runs")
                            .resolve(Workbench.RUN.toString())
                            .resolve("kept"))
                    .hasContent("kept");
            assertThat(folder.resolve("data/work")).isDirectoryNotContaining(path -> !isEmptyButTheLock(path));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aForkBombFillsItsOwnLimitAndNoMore(int level) throws InterruptedException {
        try (var bench = bench(level)) {
            // Shells give up when they cannot fork; this one never does.
            var attempt = bench.start(python("""
                    import os, time
                    while True:
                        try: os.fork()
                        except OSError: time.sleep(0.05)
                    """));
            until("the bomb fills its limit", () -> processes() >= PROCESSES - HELPERS);
            var most = 0L;
            for (var look = 0; look < 50; look++) {
                most = Math.max(most, processes());
                Thread.sleep(10);
            }

            assertThat(most).isLessThanOrEqualTo(PROCESSES + HELPERS);
            attempt.execution().kill();
            assertThat(attempt.outcome()).isInstanceOf(Failed.class);
            until("nothing of it is left", () -> processes() == 0);
            assertThat(bench.run(shell("true"))).isInstanceOf(Succeeded.class);
        }
    }

    /** What makes a sandbox runs under the account too, before the limit. */
    private static final int HELPERS = 3;

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aMemoryHogIsStoppedAtItsLimit(int level) {
        try (var bench = bench(level)) {
            var outcome = (Failed) bench.run(python("held = bytearray(600 << 20)\nprint(len(held))"));

            assertThat(outcome.error()).contains("MemoryError");
            assertThat(bench.run(python("held = bytearray(50 << 20)"))).isInstanceOf(Succeeded.class);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void timeOfProcessorsAndFilesAreLimited(int level) {
        try (var bench = bench(level)) {
            var busy = (Failed) bench.run(shell("while :; do :; done"));
            var large = bench.start(shell("head -c 9000000 /dev/zero > $HOME/large; stat -c %s $HOME/large"));
            large.outcome();
            var many = bench.start(shell("ulimit -n; ulimit -c"));
            many.outcome();

            assertThat(busy.error()).containsAnyOf("SIGKILL", "SIGXCPU");
            assertThat(large.text().lines()).contains("" + MAX_FILE).doesNotContain("9000000");
            assertThat(many.text()).isEqualTo("128\n0\n");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void grandchildrenInSessionsOfTheirOwnDieWithIt(int level) {
        try (var bench = bench(level)) {
            var sleep = strays.sleep();
            var family = "env -i setsid " + sleep + " & (env -i setsid sh -c '" + sleep + " & exit' &) ; ";

            var ended = bench.start(shell(family + "sleep 0.3; exit 0"));
            assertThat(ended.outcome()).isInstanceOf(Succeeded.class);
            assertThat(strays.alive()).isEmpty();

            var stopped = bench.start(shell(family + sleep));
            strays.awaitCount(3);
            stopped.execution().stop();
            assertThat(stopped.outcome()).isInstanceOf(Failed.class);
            assertThat(strays.alive()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void nothingOfTheNodeCanBeRead(int level) throws IOException {
        var files = List.of("node.yaml", ".pgpass", "etcd-client.key", "data/postgresql/password");
        Files.createDirectories(folder.resolve("data/postgresql"));
        for (var name : files) {
            Files.writeString(
                    Files.createFile(
                            folder.resolve(name),
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))),
                    PASSWORD);
        }
        var node = ProcessHandle.current().pid();
        try (var bench = bench(level)) {
            var attempt = bench.start(shell("cd " + folder + "; cat " + String.join(" ", files) + "; cat /proc/" + node
                    + "/cmdline /proc/*/environ | tr '\\0' '\\n'; ls -a . data; kill -0 " + node
                    + " && echo reached; exit 0"));

            assertThat(attempt.outcome()).isInstanceOf(Succeeded.class);
            assertThat(attempt.text()).doesNotContain(PASSWORD, "reached", "orrery-spawner", "java.class.path");
            assertThat(attempt.text().lines()).doesNotContain("HOME=" + System.getenv("HOME"));
            assertThat(attempt.text()).doesNotContain(System.getProperty("java.class.path"));
        }
    }

    @Test
    void inASandboxEvenWhatAllMayReadIsHiddenAndTheSystemIsReadOnly() throws IOException {
        var open = Files.writeString(folder.resolve("readable.yaml"), PASSWORD);
        Files.writeString(folder.resolve("tasks/tool.sh"), "echo from the tool");
        try (var bench = bench(2)) {
            var attempt = bench.start(new Shell(
                    "cat " + open
                            + " /etc/shadow; sh ./tool.sh; touch ./new /usr/new /new /etc/new 2>&1; echo mine > /tmp/"
                            + PASSWORD + ".tmp; ls /tmp; ls /root /home /var; ls /proc | grep -c '^[0-9]'",
                    Map.of(),
                    Optional.of(".")));

            attempt.outcome();
            assertThat(attempt.text())
                    .contains("from the tool", PASSWORD + ".tmp")
                    .doesNotContain("\n" + PASSWORD + "\n", "root:");
            assertThat(attempt.text().lines().filter(line -> line.contains("Read-only file system")))
                    .hasSize(4);
            assertThat(Path.of("/tmp", PASSWORD + ".tmp")).doesNotExist();
            assertThat(bench.start(new Shell("pwd", Map.of(), Optional.of("/var")))
                            .outcome())
                    .isEqualTo(new Failed(
                            "/var is hidden from tasks by tasks.isolation 2: put it below tasks.directory, or add its"
                                    + " folder to tasks.folders",
                            false,
                            new dev.orrery.domain.task.FailureKind.CouldNotStart()));
        }
    }

    @Test
    void aSandboxHasNoNetworkUnlessItIsAskedFor() throws IOException {
        try (var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            var call =
                    python("import socket\nsocket.create_connection(('127.0.0.1', " + server.getLocalPort() + "), 5)");
            try (var bench = bench(2)) {
                assertThat(((Failed) bench.run(call)).error()).contains("Error");
            }
            try (var bench = new Workbench(folder, List.of(), demanded(2, Network.HOST, "" + USER))) {
                assertThat(bench.run(call)).isInstanceOf(Succeeded.class);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aGibibyteOfOutputStaysBounded(int level) {
        try (var bench = bench(level)) {
            var attempt = bench.start(shell("head -c 1073741824 /dev/zero | tr '\\0' '\\n'; echo the end"));

            // All of it goes through this process, and others may need the processors too.
            assertThat(attempt.outcome(Duration.ofMinutes(3))).isInstanceOf(Succeeded.class);
            assertThat(attempt.stored().length()).isBetween(500 << 10, 1 << 20);
            assertThat(attempt.text()).contains("bytes are missing here").endsWith("the end\n");
        }
    }

    @Test
    void whatIsDemandedAndMissingIsRefused() {
        var session = new Isolation(Level.SESSION, List.of(), Isolation.probe().session());
        var folders = new TaskFolders(
                folder.resolve("data"),
                WorkRoot.open(folder.resolve("data/work")).path(),
                folder.resolve("runs"),
                Optional.empty());

        assertThatThrownBy(() -> Confinement.of(demanded(1, Network.NONE, "" + USER), session, folders))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("tasks.isolation 1 is demanded")
                .hasMessageContaining("start it as root, or take level 2");
        assertThatThrownBy(() -> bench("no-such-account"))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("no account 'no-such-account'")
                .hasMessageContaining("useradd");
        assertThatThrownBy(() -> bench(""))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("the node runs as root")
                .hasMessageContaining("set tasks.user");
    }

    @Test
    void whatWouldShowTheDataFolderIsRefused() {
        var usual = demanded(2, Network.NONE, "" + USER);
        var shown = new IsolationConfig(
                2,
                usual.user(),
                Network.NONE,
                List.of(folder.toString()),
                1L << 30,
                1L << 30,
                Duration.ofDays(1),
                60,
                128);

        assertThatThrownBy(() -> new Workbench(folder, List.of(), shown))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("tasks would see the node's data folder");
    }

    @Test
    void aFolderThatTheAccountCannotReachIsRefused() throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));

        assertThatThrownBy(() -> bench(1))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("may not pass through " + folder)
                .hasMessageContaining("node.data-dir");
    }

    private Workbench bench(int level) {
        return new Workbench(folder, List.of(), demanded(level, Network.NONE, "" + USER));
    }

    private Workbench bench(String user) {
        return new Workbench(folder, List.of(), demanded(2, Network.NONE, user));
    }

    private static IsolationConfig demanded(int level, Network network, String user) {
        return new IsolationConfig(
                level, user, network, List.of(), 256L << 20, MAX_FILE, Duration.ofSeconds(2), PROCESSES, 128);
    }

    private static long processes() {
        return ProcessHandle.allProcesses()
                .filter(process -> isOfTheUser(process.pid()))
                .count();
    }

    private static boolean isOfTheUser(long pid) {
        try {
            return Account.owner(Path.of("/proc/" + pid)) == USER;
        } catch (IOException gone) {
            return false;
        }
    }

    private static boolean isEmptyButTheLock(Path root) {
        try (var entries = Files.list(root)) {
            return entries.allMatch(entry -> entry.endsWith(".lock"));
        } catch (IOException e) {
            return false;
        }
    }
}
