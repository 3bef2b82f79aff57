package dev.orrery.testing;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Processes that end with this JVM at the latest, also where it is told to end in the middle of a test. */
public final class OwnProcesses {

    private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
    }

    private OwnProcesses() {}

    /** The same process, which is killed when this JVM ends. */
    public static Process own(Process process) {
        RUNNING.add(process);
        var _ = process.onExit().thenRun(() -> RUNNING.remove(process));
        return process;
    }
}
