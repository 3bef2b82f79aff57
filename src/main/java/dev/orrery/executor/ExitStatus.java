package dev.orrery.executor;

import dev.orrery.domain.task.FailureKind;
import java.util.Map;

/** Says what an exit code means. */
final class ExitStatus {

    static final int CANNOT_EXECUTE = 126;
    static final int NOT_FOUND = 127;
    private static final int SIGNAL_BASE = 128;
    private static final int SIGNALS = 64;
    private static final int SIGKILL = 9;

    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(1, "SIGHUP"),
            Map.entry(2, "SIGINT"),
            Map.entry(3, "SIGQUIT"),
            Map.entry(4, "SIGILL"),
            Map.entry(5, "SIGTRAP"),
            Map.entry(6, "SIGABRT"),
            Map.entry(7, "SIGBUS"),
            Map.entry(8, "SIGFPE"),
            Map.entry(SIGKILL, "SIGKILL"),
            Map.entry(10, "SIGUSR1"),
            Map.entry(11, "SIGSEGV"),
            Map.entry(12, "SIGUSR2"),
            Map.entry(13, "SIGPIPE"),
            Map.entry(14, "SIGALRM"),
            Map.entry(15, "SIGTERM"),
            Map.entry(24, "SIGXCPU"),
            Map.entry(25, "SIGXFSZ"),
            Map.entry(31, "SIGSYS"));

    private ExitStatus() {}

    /** Such as {@code exit code 3} or {@code killed by signal 15 (SIGTERM)}. */
    static String describe(int code) {
        var signal = code - SIGNAL_BASE;
        if (!isSignal(signal)) {
            return "exit code " + code;
        }
        var name = NAMES.get(signal);
        return "killed by signal " + signal + (name == null ? "" : " (" + name + ")");
    }

    static FailureKind kind(int code) {
        var signal = code - SIGNAL_BASE;
        return isSignal(signal) ? new FailureKind.Signal(signal) : new FailureKind.ExitCode(code);
    }

    private static boolean isSignal(int number) {
        return number >= 1 && number <= SIGNALS;
    }

    static boolean isKill(int code) {
        return code == SIGNAL_BASE + SIGKILL;
    }
}
