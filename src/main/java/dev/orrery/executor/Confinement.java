package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.config.IsolationConfig;
import dev.orrery.domain.StartupException;
import dev.orrery.executor.Isolation.Level;
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

    private static final String ENTERED_BY_ALL = "rwx--x--x";
    private static final int EXPECTED_CODE = 42;
    private static final long TRIAL_SECONDS = 10;
    private static final int SHOWN = 300;

    private final Isolation isolation;
    private final IsolationConfig config;
    private final Optional<Account> account;
    private final Optional<Sandbox> sandbox;
    private final List<String> limits;

    private Confinement(
            Isolation isolation,
            IsolationConfig config,
            Optional<Account> account,
            Optional<Sandbox> sandbox,
            List<String> limits) {
        this.isolation = isolation;
        this.config = config;
        this.account = account;
        this.sandbox = sandbox;
        this.limits = List.copyOf(limits);
    }

    /** Level 0: what the system can do of itself. */
    static Confinement none(Isolation isolation) {
        return new Confinement(isolation, IsolationConfig.DEFAULT, Optional.empty(), Optional.empty(), List.of());
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

    /** The whole command of an attempt; throws {@link CannotStart} where it would not see what it needs. */
    List<String> wrap(Launch launch, AttemptFolder folder) {
        var limited = new ArrayList<>(limits);
        limited.addAll(launch.command());
        return sandbox.map(box -> box.wrap(launch, limited, folder))
                .orElseGet(() -> isolation.wrap(limited, folder.stop(), config.level() != 0));
    }

    /** Gives the account what it may change. To be called before the attempt begins. */
    void handOver(AttemptFolder folder, Map<String, String> environment) throws IOException {
        if (sandbox.isPresent()) {
            Files.createDirectory(folder.temporary(), WorkRoot.OWNER_ONLY);
            Files.createDirectory(folder.sharedMemory(), WorkRoot.OWNER_ONLY);
        }
        if (account.isPresent()) {
            account.get().own(folder.path());
            var runFolder = Optional.ofNullable(environment.get(TaskEnvironment.RUN_DIR));
            if (runFolder.isPresent()) {
                account.get().ownOne(Path.of(runFolder.get()));
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
            return new Confinement(
                    isolation, config, account, Optional.of(Sandbox.of(config, folders, isolation, become)), limits);
        }
        if (isolation.level() != Level.NAMESPACE) {
            throw refused(
                    config,
                    "the node may make no PID namespaces and take no other account: start it as root, or take level 2,"
                            + " which needs bubblewrap and no root");
        }
        limits.addAll(become);
        return new Confinement(isolation, config, account, Optional.empty(), limits);
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
            handOver(folder, Map.of());
            var script = "echo x > \"$HOME/file\" && [ \"$(id -u)\" != 0 ] && exit " + EXPECTED_CODE;
            var environment =
                    Map.of("PATH", TaskEnvironment.PATH, "HOME", folder.home().toString());
            var launch = new Launch(List.of("/bin/sh", "-c", script), environment, folder.home());
            var builder = new ProcessBuilder(wrap(launch, folder)).redirectErrorStream(true);
            builder.environment().clear();
            builder.environment().putAll(environment);
            var said = folder.path().resolve("said");
            builder.redirectOutput(said.toFile());
            var process = builder.start();
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
                                + (account.isPresent() ? " (to become tasks.user the node must run as root)" : ""));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw refused(config, "interrupted while it was tried out");
        } finally {
            WorkRoot.remove(folder.path());
        }
    }

    private String name() {
        return account.map(Account::name).orElse("the node's own account");
    }

    static StartupException refused(IsolationConfig config, String why) {
        return new StartupException("tasks.isolation " + config.level() + " is demanded, and not to be had here: " + why
                + ". Tasks do not run with less; 'tasks.isolation: 0' would do without");
    }
}
