package dev.orrery.config;

import dev.orrery.config.IsolationConfig.Network;
import dev.orrery.config.Kind.Choice;
import dev.orrery.config.Kind.Destinations;
import dev.orrery.config.Kind.SecretSources;
import dev.orrery.config.Kind.Size;
import dev.orrery.config.Kind.Space;
import dev.orrery.config.Kind.Span;
import dev.orrery.config.Kind.Text;
import dev.orrery.config.Kind.Texts;
import dev.orrery.config.Kind.Whole;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;

/** What a node can be told of how tasks run. */
final class TaskSettings {

    // Of its own: Settings lists what stands here, so it must not be needed first.
    private static final Pattern FOLDER_OR_NONE = Pattern.compile("([^\\p{Cntrl}\\s]\\P{Cntrl}*)?");
    private static final Pattern ACCOUNT = Pattern.compile("([A-Za-z_][A-Za-z0-9_.-]{0,31}|[1-9][0-9]{0,8})?");
    private static final Pattern ABSOLUTE = Pattern.compile("/[^\\p{Cntrl},]{0,4095}");
    private static final long GIB = 1L << 30;

    static final Setting<String> DIRECTORY = text(
            "tasks.directory",
            new Text(4_096, FOLDER_OR_NONE, "folder", "name a folder"),
            "Where relative paths in `workingDirectory` and `script` begin. Empty: the folder in which the node was"
                    + " started.",
            config -> config.tasks().directory());

    static final Setting<String> RUN_DIRECTORY = text(
            "tasks.run-directory",
            new Text(4_096, FOLDER_OR_NONE, "folder", "name a folder"),
            "Where each run has a folder for the files that its tasks hand on. Empty: `runs` in the data folder.",
            config -> config.tasks().runDirectory());

    static final Setting<Duration> KILL_GRACE = new Setting<>(
            "tasks.kill-grace",
            new Span(Duration.ZERO, Duration.ofHours(1)),
            "How long a task that is told to end (SIGTERM) may take before it is killed (SIGKILL).",
            false,
            config -> config.tasks().killGrace());

    static final Setting<Integer> LOG_LIMIT = new Setting<>(
            "tasks.log-limit",
            new Size(64 << 10, 64 << 20),
            "How much is kept of an attempt's log: its first and its last half.",
            false,
            config -> config.tasks().logLimit());

    static final Setting<List<String>> HTTP_ALLOW = new Setting<>(
            "tasks.http-allow",
            new Destinations(1_000),
            "Where http tasks may call besides the public internet: addresses, ranges or host names, with or without a"
                    + " port. The node's own API needs none.",
            false,
            config -> config.tasks().httpAllow());

    static final Setting<List<String>> HTTP_DENY = new Setting<>(
            "tasks.http-deny",
            new Destinations(1_000),
            "Where http tasks may never call, whatever is allowed; written as in tasks.http-allow.",
            false,
            config -> config.tasks().httpDeny());

    static final Setting<List<String>> SECRETS = new Setting<>(
            "tasks.secrets",
            new SecretSources(1_000),
            "The secrets that tasks may name by `${{ secrets.NAME }}`, and where the node finds each: `NAME=env:VARIABLE` or"
                    + " `NAME=file:/path`, with `TENANT/` before the name for another tenant than `default`, `*/` for all.",
            false,
            config -> config.tasks().secrets());

    static final Setting<Integer> ISOLATION = new Setting<>(
            "tasks.isolation",
            new Whole(0, 2),
            "How shell and python tasks are kept away from the node. 0: only held together. 1: another user, limits, processes"
                    + " of their own. 2: bubblewrap, which also hides files and network. What the system cannot do is refused.",
            false,
            config -> config.tasks().isolation().level());

    static final Setting<String> USER = text(
            "tasks.user",
            new Text(32, ACCOUNT, "account", "be the name or the number of an account"),
            "The account, not root, under which tasks run from tasks.isolation 1 on. A node that runs as root needs one.",
            config -> config.tasks().isolation().user());

    static final Setting<Network> NETWORK = new Setting<>(
            "tasks.network",
            new Choice<>(Network.class),
            "What tasks see of the network at tasks.isolation 2. With NONE they cannot call the node's API either.",
            false,
            config -> config.tasks().isolation().network());

    static final Setting<List<String>> FOLDERS = new Setting<>(
            "tasks.folders",
            new Texts(100, ABSOLUTE, "absolute paths of folders"),
            "What tasks may read at tasks.isolation 2 besides the system's programs and tasks.directory.",
            false,
            config -> config.tasks().isolation().folders());

    static final Setting<Long> MAX_MEMORY = new Setting<>(
            "tasks.max-memory",
            new Space(16 << 20, 1_024 * GIB),
            "How much memory each process of a task may have, from tasks.isolation 1 on.",
            false,
            config -> config.tasks().isolation().maxMemory());

    static final Setting<Long> MAX_FILE_SIZE = new Setting<>(
            "tasks.max-file-size",
            new Space(1 << 20, 64 * 1_024 * GIB),
            "How large a file may be that a task writes, from tasks.isolation 1 on.",
            false,
            config -> config.tasks().isolation().maxFileSize());

    static final Setting<Duration> MAX_CPU = new Setting<>(
            "tasks.max-cpu",
            new Span(Duration.ofSeconds(1), Duration.ofDays(365)),
            "How much time of a processor each process of a task may take, from tasks.isolation 1 on.",
            false,
            config -> config.tasks().isolation().maxCpu());

    static final Setting<Integer> MAX_PROCESSES = new Setting<>(
            "tasks.max-processes",
            new Whole(8, 1_000_000),
            "How many processes and threads tasks may have, from tasks.isolation 1 on: at 1 all tasks of the account"
                    + " together, at 2 each task.",
            false,
            config -> config.tasks().isolation().maxProcesses());

    static final Setting<Integer> MAX_OPEN_FILES = new Setting<>(
            "tasks.max-open-files",
            new Whole(64, 1_000_000),
            "How many files each process of a task may have open, from tasks.isolation 1 on.",
            false,
            config -> config.tasks().isolation().maxOpenFiles());

    /** In the order of the file. */
    static final List<Setting<?>> ALL = List.of(
            DIRECTORY,
            RUN_DIRECTORY,
            KILL_GRACE,
            LOG_LIMIT,
            HTTP_ALLOW,
            HTTP_DENY,
            SECRETS,
            ISOLATION,
            USER,
            NETWORK,
            FOLDERS,
            MAX_MEMORY,
            MAX_FILE_SIZE,
            MAX_CPU,
            MAX_PROCESSES,
            MAX_OPEN_FILES);

    private TaskSettings() {}

    private static Setting<String> text(String key, Text kind, String meaning, Function<OrreryConfig, String> reader) {
        return new Setting<>(key, kind, meaning, false, reader);
    }
}
