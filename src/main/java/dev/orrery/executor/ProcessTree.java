package dev.orrery.executor;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.executor.Isolation.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * The processes of one attempt, and how to end them.
 *
 * <p>In a namespace all of them descend from its first process and die with it. Elsewhere they are the descendants of
 * the first process and whatever names the attempt's folder in its environment, wherever it has moved since.
 */
final class ProcessTree {

    private static final System.Logger LOG = System.getLogger(ProcessTree.class.getName());
    private static final Path PROC = Path.of("/proc");
    private static final long POLL_MILLIS = 20;
    private static final Duration KILL_LIMIT = Duration.ofSeconds(10);

    /** The process we started stands outside of the namespace, and the waiting shell is the first one inside. */
    private static final int NAMESPACE_OWN_PROCESSES = 1;

    private final Process process;
    private final Level level;
    private final AttemptFolder folder;
    private final byte[] mark;

    ProcessTree(Process process, Level level, AttemptFolder folder) {
        this.process = process;
        this.level = level;
        this.folder = folder;
        this.mark = (folder.path() + "/").getBytes(UTF_8);
    }

    /** SIGTERM to all, and SIGKILL to what is left after the grace. Returns when they are dead. */
    void stop(Duration grace) throws InterruptedException {
        var deadline = System.nanoTime() + grace.toNanos();
        terminate(deadline);
        while (isAlive() && System.nanoTime() < deadline) {
            if (level == Level.NAMESPACE) {
                process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            } else {
                Thread.sleep(POLL_MILLIS);
            }
        }
        kill();
    }

    /** SIGKILL to all that is left, at once. Returns when they are dead. */
    void kill() throws InterruptedException {
        var deadline = System.nanoTime() + KILL_LIMIT.toNanos();
        while (isAlive()) {
            if (System.nanoTime() > deadline) {
                LOG.log(WARNING, "processes do not die of SIGKILL pid=" + process.pid() + " folder=" + folder.path());
                return;
            }
            killOnce();
            process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /** Waits until the stop that is under way has ended everything. */
    void awaitEnd(Duration grace) throws InterruptedException {
        var deadline = System.nanoTime() + grace.plus(KILL_LIMIT).toNanos();
        while (isAlive() && System.nanoTime() < deadline) {
            Thread.sleep(POLL_MILLIS);
        }
    }

    private void terminate(long deadline) throws InterruptedException {
        if (level != Level.NAMESPACE) {
            members().forEach(ProcessHandle::destroy);
            return;
        }
        createStopFile();
        // Stopped right after the start, there may be nothing to signal yet but the processes that prepare the rest.
        while (process.isAlive() && System.nanoTime() < deadline) {
            var inside = process.descendants().toList();
            if (inside.size() > NAMESPACE_OWN_PROCESSES) {
                inside.forEach(ProcessHandle::destroy);
                return;
            }
            Thread.sleep(1);
        }
    }

    private void createStopFile() {
        try {
            Files.createFile(folder.stop());
        } catch (IOException e) {
            LOG.log(WARNING, "processes that clean up may be killed early folder=" + folder.path(), e);
        }
    }

    private boolean isAlive() {
        return process.isAlive() || (level != Level.NAMESPACE && !members().isEmpty());
    }

    private void killOnce() {
        if (level == Level.NAMESPACE) {
            // The process we hold ends when the first one inside has ended, and that only after all others.
            var first = process.children().toList();
            if (first.isEmpty()) {
                process.destroyForcibly();
            } else {
                first.forEach(ProcessHandle::destroyForcibly);
            }
        } else {
            members().forEach(ProcessHandle::destroyForcibly);
        }
    }

    private Set<ProcessHandle> members() {
        var members = new HashSet<ProcessHandle>();
        if (process.isAlive()) {
            members.add(process.toHandle());
            process.descendants().forEach(members::add);
        }
        members.addAll(marked());
        return members;
    }

    private List<ProcessHandle> marked() {
        if (!Files.isDirectory(PROC)) {
            return List.of();
        }
        return ProcessHandle.allProcesses().filter(this::isMarked).toList();
    }

    private boolean isMarked(ProcessHandle candidate) {
        try {
            return contains(
                    Files.readAllBytes(
                            PROC.resolve(Long.toString(candidate.pid())).resolve("environ")),
                    mark);
        } catch (IOException _) {
            // Ended meanwhile, or someone else's.
            return false;
        }
    }

    private static boolean contains(byte[] text, byte[] sought) {
        for (var i = 0; i + sought.length <= text.length; i++) {
            if (text[i] == sought[0] && Arrays.equals(text, i, i + sought.length, sought, 0, sought.length)) {
                return true;
            }
        }
        return false;
    }
}
