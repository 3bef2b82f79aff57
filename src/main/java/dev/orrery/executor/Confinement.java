package dev.orrery.executor;

import static java.lang.System.Logger.Level.DEBUG;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.IsolationConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.executor.Isolation.Level;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * How far the processes of tasks are kept away from the node, as {@code tasks.isolation} demands it. At level 0 they are only held
 * together. At level 1 they run under another account, can gain no rights, see no processes but their own, and have limits. At
 * level 2 bubblewrap also hides from them all files but the system's programs, their own and those they are meant to see, and
 * the network.
 *
 * <p>What is demanded is tried out when the node starts, and what does not work is refused then: no task runs with less.
 */
final class Confinement {

    private static final System.Logger LOG = System.getLogger(Confinement.class.getName());
    private static final String ENTERED_BY_ALL = "rwx--x--x";
    private static final int EXPECTED_CODE = 42;
    private static final long TRIAL_SECONDS = 10;
    private static final int SHOWN = 300;

    private final Isolation isolation;
    private final IsolationConfig config;
    private final Optional<Account> account;
    private final Optional<Sandbox> sandbox;
    private final Optional<TaskFolders> folders;
    private final List<String> limits;

    private Confinement(
            Isolation isolation,
            IsolationConfig config,
            Optional<Account> account,
            Optional<Sandbox> sandbox,
            Optional<TaskFolders> folders,
            List<String> limits) {
        this.isolation = isolation;
        this.config = config;
        this.account = account;
        this.sandbox = sandbox;
        this.folders = folders;
        this.limits = List.copyOf(limits);
    }

    /** Level 0: what the system can do of itself. */
    static Confinement none(Isolation isolation) {
        return new Confinement(
                isolation, IsolationConfig.DEFAULT, Optional.empty(), Optional.empty(), Optional.empty(), List.of());
    }

    /**
     * What the configuration demands, tried out in the folder of attempts. Blocks; throws StartupException where the system has
     * not what it takes.
     */
    static Confinement of(IsolationConfig config, Isolation isolation, TaskFolders folders) {
        if (config.level() == 0) {
            return none(isolation);
        }
        try {
            var confinement = demanded(config, isolation, folders);
            confinement.tryOut(folders);
            return confinement;
        } catch (IOException e) {
            throw refused(config, "the folders of tasks cannot be made ready: " + e);
        }
    }

    /** What holds the processes of an attempt together. */
    Level level() {
        return sandbox.isPresent() ? Level.NAMESPACE : isolation.level();
    }

    /** In a sentence for people. */
    String description() {
        return switch (config.level()) {
            case IsolationConfig.OTHER_USER ->
                "tasks.isolation 1: tasks run as " + name() + " in PID namespaces of their own, with limits";
            case IsolationConfig.SANDBOX ->
                "tasks.isolation 2: tasks run as " + name() + " in sandboxes of bubblewrap, with limits, network "
                        + config.network();
            default -> isolation.level().description();
        };
    }

    /**
     * The process of an attempt, not started yet. Throws {@link CannotStart} where it would not see what it needs.
     */
    ProcessBuilder process(Launch launch, AttemptFolder folder) {
        var builder = new ProcessBuilder(wrap(launch, folder));
        builder.environment().clear();
        if (config.level() == 0) {
            builder.directory(launch.workingFolder().toFile()).redirectInput(new File("/dev/null"));
            builder.environment().putAll(launch.environment());
        } else {
            builder.directory(new File("/"));
            builder.environment().putAll(LateEnvironment.before(folder));
        }
        return builder;
    }

    /** Gives the process what it waits for. Blocks until it has taken that, or has ended. */
    void feed(Process process, Launch launch) {
        if (config.level() == 0) {
            return;
        }
        try (var pipe = process.getOutputStream()) {
            pipe.write(LateEnvironment.text(launch.environment()));
        } catch (IOException ended) {
            // How it ended tells more.
            LOG.log(DEBUG, "a task ended before it had its environment", ended);
        }
    }

    private List<String> wrap(Launch launch, AttemptFolder folder) {
        if (config.level() == 0) {
            return isolation.wrap(launch.command(), folder.stop(), false);
        }
        var command = new ArrayList<>(limits);
        command.addAll(LateEnvironment.command(launch.workingFolder()));
        command.addAll(launch.command());
        if (sandbox.isPresent()) {
            return sandbox.get().wrap(launch, command, folder);
        }
        command.addAll(0, OwnFolders.command(folders.orElseThrow(), folder, launch));
        return isolation.wrap(command, folder.stop(), true);
    }

    /** Whether a file that a task leaves in its folder can be its own: a link may give a name to what only the node may read. */
    boolean isOfTheTask(Path file) throws IOException {
        return account.isEmpty() || account.get().owns(file);
    }

    /** Gives the account what it may change. To be called before the attempt begins. */
    void handOver(AttemptFolder folder, Launch launch) throws IOException {
        if (sandbox.isPresent()) {
            Files.createDirectory(folder.temporary(), WorkRoot.OWNER_ONLY);
        }
        if (config.level() != 0) {
            Files.createDirectory(folder.sharedMemory(), WorkRoot.OWNER_ONLY);
        }
        if (account.isPresent()) {
            account.get().own(folder.path());
            if (launch.runFolder().isPresent()) {
                account.get().ownOne(launch.runFolder().get());
            }
        }
    }

    private static Confinement demanded(IsolationConfig config, Isolation isolation, TaskFolders folders)
            throws IOException {
        var asRoot = Account.owner(folders.work()) == 0;
        var account = config.user().isEmpty() ? Optional.<Account>empty() : Optional.of(Account.of(config.user()));
        if (asRoot && account.isEmpty()) {
            throw refused(config, "the node runs as root, and tasks must not: set tasks.user");
        }
        if (account.isPresent()) {
            makeWay(account.get(), folders);
        }
        var limits = limits(config);
        var become = account.map(other -> become(config, other)).orElseGet(List::of);
        if (config.level() == IsolationConfig.SANDBOX) {
            var box = Sandbox.of(config, folders, isolation, become);
            return new Confinement(isolation, config, account, Optional.of(box), Optional.empty(), limits);
        }
        if (isolation.level() != Level.NAMESPACE) {
            throw refused(
                    config,
                    "the node may make no PID namespaces and take no other account: start it as root, or take level 2,"
                            + " which needs bubblewrap and no root");
        }
        requireOwnFolders(config, folders);
        limits.addAll(become);
        return new Confinement(isolation, config, account, Optional.empty(), Optional.of(folders), limits);
    }

    /** The folders of runs are covered for tasks, and with them whatever else lies there. */
    private static void requireOwnFolders(IsolationConfig config, TaskFolders folders) {
        if (Isolation.tool("mount").isEmpty()) {
            throw refused(config, "mount is missing (util-linux)");
        }
        if (folders.tasks().filter(tasks -> tasks.startsWith(folders.runs())).isPresent()) {
            throw new StartupException("tasks.directory lies in the folder of runs, " + folders.runs()
                    + ", of which tasks see no more than their own: give runs another folder by tasks.run-directory");
        }
    }

    private static List<String> limits(IsolationConfig config) {
        var prlimit = Isolation.tool("prlimit").orElseThrow(() -> refused(config, "prlimit is missing (util-linux)"));
        var limits = new ArrayList<>(prlimit);
        limits.add("--nproc=" + config.maxProcesses());
        // Of what is written to, not of addresses: many programs reserve far more of those than they ever use.
        limits.add("--data=" + config.maxMemory());
        limits.add("--stack=" + Math.min(config.maxMemory(), 8L << 20));
        limits.add("--memlock=" + (64 << 10));
        limits.add("--cpu=" + Math.max(1, config.maxCpu().toSeconds()));
        limits.add("--fsize=" + config.maxFileSize());
        limits.add("--nofile=" + config.maxOpenFiles());
        limits.add("--core=0");
        limits.add("--");
        return limits;
    }

    private static List<String> become(IsolationConfig config, Account account) {
        var setpriv = Isolation.tool("setpriv").orElseThrow(() -> refused(config, "setpriv is missing (util-linux)"));
        var become = new ArrayList<>(setpriv);
        become.add("--reuid=" + account.user());
        become.add("--regid=" + account.group());
        become.addAll(List.of("--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"));
        return become;
    }

    /** Lets the account pass through our own folders, and refuses what lies beyond them. */
    private static void makeWay(Account account, TaskFolders folders) throws IOException {
        for (var ours : List.of(folders.data(), folders.data().resolve("postgresql"))) {
            if (Files.exists(ours) && account.owns(ours)) {
                throw new StartupException("tasks.user '" + account.name() + "' owns " + ours
                        + ", where the node keeps what no task may see: take an account that owns nothing");
            }
        }
        Files.createDirectories(folders.runs(), WorkRoot.OWNER_ONLY);
        var entered = PosixFilePermissions.fromString(ENTERED_BY_ALL);
        for (var folder : List.of(folders.data(), folders.work().getParent(), folders.work(), folders.runs())) {
            var permissions = Files.getPosixFilePermissions(folder);
            if (!permissions.containsAll(entered)) {
                permissions.addAll(entered);
                Files.setPosixFilePermissions(folder, permissions);
            }
        }
        account.requireWay(folders.work(), "node.data-dir");
        account.requireWay(folders.runs(), "tasks.run-directory");
    }

    /** Runs a command as an attempt would, which has to find itself able to write into its own folder. */
    private void tryOut(TaskFolders folders) throws IOException {
        var folder = new AttemptFolder(Files.createDirectory(folders.work().resolve("trial"), WorkRoot.OWNER_ONLY));
        Files.createDirectory(folder.home(), WorkRoot.OWNER_ONLY);
        try {
            var script = "echo x > \"$HOME/file\" && [ \"$(id -u)\" != 0 ] && exit " + EXPECTED_CODE;
            var environment =
                    Map.of("PATH", TaskEnvironment.PATH, "HOME", folder.home().toString(), "ORRERY_TASK_ID", "trial");
            var launch = new Launch(List.of("/bin/sh", "-c", script), environment, folder.home());
            handOver(folder, launch);
            var said = folder.path().resolve("said");
            var process = process(launch, folder)
                    .redirectErrorStream(true)
                    .redirectOutput(said.toFile())
                    .start();
            feed(process, launch);
            if (!process.waitFor(TRIAL_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw refused(config, "a trial did not end within " + TRIAL_SECONDS + " s");
            }
            if (process.exitValue() != EXPECTED_CODE) {
                var text = new String(Files.readAllBytes(said), UTF_8).strip();
                throw refused(
                        config,
                        "a trial failed with " + ExitStatus.describe(process.exitValue()) + ": "
                                + text.substring(0, Math.min(SHOWN, text.length()))
                                + hint(text));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw refused(config, "interrupted while it was tried out");
        } finally {
            WorkRoot.remove(folder.path());
        }
    }

    private String hint(String text) {
        if (text.contains("mount proc")) {
            return " (parts of /proc are covered here, as containers do, and ProtectKernelTunables and ProtectKernelLogs of"
                    + " systemd; then the kernel allows no other one)";
        }
        return account.isPresent() ? " (to become tasks.user the node must run as root)" : "";
    }

    private String name() {
        return account.map(Account::name).orElse("the node's own account");
    }

    static StartupException refused(IsolationConfig config, String why) {
        return new StartupException("tasks.isolation " + config.level() + " is demanded, and not to be had here: " + why
                + ". Tasks do not run with less; 'tasks.isolation: 0' would do without");
    }
}
