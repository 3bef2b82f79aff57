package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;
import java.util.List;

/**
 * How far shell and python tasks are kept away from the node and from each other.
 *
 * @param level 0: their processes are only held together; 1: another user, limits, and processes of their own; 2: bubblewrap, which
 *     hides files and network too
 * @param user the account of tasks, by name or number; empty: that of the node, which level 1 does not take
 * @param network what they see of the network at level 2
 * @param folders what they may read at level 2 besides the system's programs and {@code tasks.directory}
 * @param maxMemory in bytes, of each process
 * @param maxFileSize in bytes
 * @param maxCpu time of a processor, of each process
 * @param maxProcesses with threads; at level 1 of all tasks together, at level 2 of each
 * @param maxOpenFiles of each process
 */
public record IsolationConfig(
        int level,
        String user,
        Network network,
        List<String> folders,
        long maxMemory,
        long maxFileSize,
        Duration maxCpu,
        int maxProcesses,
        int maxOpenFiles) {

    /** What of the network a task sees. */
    public enum Network {
        NONE,
        HOST
    }

    public static final int OTHER_USER = 1;
    public static final int SANDBOX = 2;

    public static final IsolationConfig DEFAULT =
            new IsolationConfig(0, "", Network.NONE, List.of(), 2L << 30, 10L << 30, Duration.ofDays(1), 1_024, 1_024);

    public IsolationConfig {
        folders = List.copyOf(folders);
        TaskSettings.ISOLATION.check(level);
        TaskSettings.USER.check(user);
        TaskSettings.NETWORK.check(network);
        TaskSettings.FOLDERS.check(folders);
        TaskSettings.MAX_MEMORY.check(maxMemory);
        TaskSettings.MAX_FILE_SIZE.check(maxFileSize);
        TaskSettings.MAX_CPU.check(maxCpu);
        TaskSettings.MAX_PROCESSES.check(maxProcesses);
        TaskSettings.MAX_OPEN_FILES.check(maxOpenFiles);
        require(
                !user.equals("root"),
                "tasks.user must not be root: take an account that owns nothing, such as one made by 'useradd --system'");
        require(
                level != OTHER_USER || !user.isEmpty(),
                "tasks.isolation 1 runs tasks under an account of their own: set tasks.user");
    }
}
