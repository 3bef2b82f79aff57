package dev.orrery.executor;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toCollection;

import dev.orrery.executor.Isolation.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The processes of one attempt, and how to end them.
 *
 * <p>In a namespace all of them descend from its first process and die with it. Elsewhere they are the descendants of
 * the process we started and whatever names the attempt's folder in its environment, wherever it has moved since.
 *
 * <p>SIGTERM goes to process groups: a process that is born while we look is in the group of its parent, and the kernel
 * lets none slip through. Processes born later, to clean up, are left alone.
 */
final class ProcessTree {

    private static final System.Logger LOG = System.getLogger(ProcessTree.class.getName());
    private static final Path PROC = Path.of("/proc");
    private static final long POLL_MILLIS = 20;
    private static final long START_POLL_MILLIS = 1;
    private static final Duration KILL_LIMIT = Duration.ofSeconds(10);
    private static final int POLITE_KILLS = 10;
    private static final int SIGNAL_SECONDS = 5;

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
        if (!isAlive()) {
            return;
        }
        var deadline = System.nanoTime() + grace.toNanos();
        createStopFile();
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
        for (var round = 0; isAlive(); round++) {
            if (System.nanoTime() > deadline) {
                LOG.log(WARNING, "processes do not die of SIGKILL pid=" + process.pid() + " folder=" + folder.path());
                return;
            }
            members(round < POLITE_KILLS).forEach(ProcessHandle::destroyForcibly);
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

    /** Signals every group once, until none is new; right after the start there may be none yet. */
    private void terminate(long deadline) throws InterruptedException {
        var told = new HashSet<Long>();
        while (isAlive() && System.nanoTime() < deadline) {
            var targets = targets();
            targets.removeAll(told);
            if (!targets.isEmpty()) {
                signal(targets);
                told.addAll(targets);
            } else if (told.isEmpty()) {
                Thread.sleep(START_POLL_MILLIS);
            } else {
                return;
            }
        }
    }

    /** Process ids, or as negative numbers those of groups, as kill(1) takes them. */
    private Set<Long> targets() {
        var members = members(true).stream().map(ProcessHandle::pid);
        if (level == Level.PLAIN) {
            // Their group is the node's own.
            return members.collect(toCollection(HashSet::new));
        }
        var nodes = group(ProcessHandle.current().pid());
        // In a namespace the group of our process holds only what makes the namespace.
        var makers = level == Level.NAMESPACE ? process.pid() : nodes;
        return members.map(ProcessTree::group)
                .filter(group -> group != 0 && group != nodes && group != makers)
                .map(group -> -group)
                .collect(toCollection(HashSet::new));
    }

    private static void signal(Set<Long> targets) throws InterruptedException {
        var command = new ArrayList<>(List.of("/bin/sh", "-c", "kill -s TERM -- \"$@\"", "orrery-stop"));
        targets.forEach(target -> command.add(target.toString()));
        try {
            new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor(SIGNAL_SECONDS, TimeUnit.SECONDS);
        } catch (IOException e) {
            LOG.log(WARNING, "cannot signal processes; they will be killed targets=" + targets, e);
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
        return process.isAlive() || (level != Level.NAMESPACE && !members(false).isEmpty());
    }

    /** @param ofTheTask without the processes that make the namespace */
    private List<ProcessHandle> members(boolean ofTheTask) {
        if (level == Level.NAMESPACE) {
            return ofTheTask ? insideNamespace() : process.children().toList();
        }
        var alive = process.isAlive()
                ? Stream.concat(Stream.of(process.toHandle()), process.descendants())
                : Stream.<ProcessHandle>empty();
        return Stream.concat(alive, marked()).distinct().toList();
    }

    private List<ProcessHandle> insideNamespace() {
        var first = process.children().toList();
        return process.descendants().filter(inside -> !first.contains(inside)).toList();
    }

    private Stream<ProcessHandle> marked() {
        return Files.isDirectory(PROC) ? ProcessHandle.allProcesses().filter(this::isMarked) : Stream.empty();
    }

    private boolean isMarked(ProcessHandle candidate) {
        try {
            return contains(Files.readAllBytes(file(candidate.pid(), "environ")), mark);
        } catch (IOException _) {
            // Ended meanwhile, or someone else's.
            return false;
        }
    }

    /** The process group; 0 for a process that is gone. */
    private static long group(long pid) {
        try {
            var stat = Files.readString(file(pid, "stat"), ISO_8859_1);
            // pid (name) state ppid pgrp …; the name may hold anything.
            return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[2]);
        } catch (IOException _) {
            return 0;
        }
    }

    private static Path file(long pid, String name) {
        return PROC.resolve(Long.toString(pid)).resolve(name);
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
