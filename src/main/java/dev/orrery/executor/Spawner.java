package dev.orrery.executor;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Starts processes, all from threads that live as long as the node: the signal that kills a child at the death of its
 * parent is sent when the <em>thread</em> that started it ends.
 *
 * <p>A watchdog stands by: a small shell that waits for the end of a pipe held by the node. However the node ends, the
 * watchdog then kills every process whose environment names the node's work folder, and removes that folder.
 */
final class Spawner {

    private static final System.Logger LOG = System.getLogger(Spawner.class.getName());
    private static final int THREADS = 2;

    private static final String WATCHDOG = """
            trap '' HUP INT TERM
            read -r goodbye && exit 0
            for round in 1 2 3; do
              for file in $(grep -lsF -- "$1" /proc/[0-9]*/environ); do
                pid=${file#/proc/}; kill -KILL "${pid%/environ}"
              done
              sleep 0.1
            done 2>/dev/null
            rm -rf -- "$1\"""";

    private final ExecutorService threads;
    private final Process watchdog;

    private Spawner(ExecutorService threads, Process watchdog) {
        this.threads = threads;
        this.watchdog = watchdog;
    }

    static Spawner open(Isolation isolation, Path workRoot) {
        var threads = Executors.newFixedThreadPool(
                THREADS, Thread.ofPlatform().daemon().name("orrery-spawner-", 1).factory());
        try {
            return new Spawner(threads, startWatchdog(isolation, workRoot));
        } catch (IOException e) {
            threads.shutdown();
            throw new OrreryException(ErrorCode.INTERNAL_ERROR, "cannot start processes: " + e.getMessage(), e);
        }
    }

    /** Starts a process and waits for it to be there. */
    Process spawn(ProcessBuilder builder) throws IOException, InterruptedException {
        try {
            return threads.submit(builder::start).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IOException(e.getCause());
        }
    }

    /** Call when no process is left: the end of these threads would kill it. */
    void close() {
        threads.shutdown();
        try (var pipe = watchdog.getOutputStream()) {
            pipe.write("goodbye\n".getBytes(US_ASCII));
        } catch (IOException e) {
            LOG.log(WARNING, "the watchdog of tasks was gone before the node", e);
        }
    }

    private static Process startWatchdog(Isolation isolation, Path workRoot) throws IOException {
        var command = isolation.inSession(List.of("/bin/sh", "-c", WATCHDOG, "orrery-watchdog", workRoot.toString()));
        var builder = new ProcessBuilder(command)
                .directory(Path.of("/").toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().clear();
        builder.environment().put("PATH", TaskEnvironment.PATH);
        return builder.start();
    }
}
