package dev.orrery.executor;

import static dev.orrery.testing.Await.until;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Processes that can be found again wherever they go: each sleeps for a number of seconds that no other does. */
final class Strays {

    private static final AtomicInteger NEXT =
            new AtomicInteger((int) (ProcessHandle.current().pid() % 40_000) * 1_000);

    private final String seconds;

    Strays() {
        this("1" + NEXT.incrementAndGet());
    }

    private Strays(String seconds) {
        this.seconds = seconds;
    }

    /** Those of another process. */
    static Strays named(String seconds) {
        return new Strays(seconds);
    }

    /** The command of one of them. */
    String sleep() {
        return "sleep " + seconds;
    }

    String name() {
        return seconds;
    }

    void awaitCount(int count) {
        until(count + " processes that run " + sleep(), () -> alive().size() == count);
    }

    List<ProcessHandle> alive() {
        return ProcessHandle.allProcesses().filter(this::isOne).toList();
    }

    void killAll() {
        alive().forEach(ProcessHandle::destroyForcibly);
    }

    private boolean isOne(ProcessHandle process) {
        try {
            var command = Files.readString(
                    Path.of("/proc", Long.toString(process.pid()), "cmdline"), StandardCharsets.ISO_8859_1);
            return command.equals("sleep\0" + seconds + "\0");
        } catch (IOException gone) {
            return false;
        }
    }
}
