package dev.orrery.store;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.StartupException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Stops what still runs on a data directory after its node was killed. Call it with the folder's lock in hand.
 *
 * <p>A number in {@code postmaster.pid} proves nothing, since numbers are given out again: a process counts only when it
 * is a {@code postgres} that stands in this directory, which all processes of a server do.
 */
final class OrphanedServer {

    private static final System.Logger LOG = System.getLogger(OrphanedServer.class.getName());

    private static final Duration CHILDREN_LIMIT = Duration.ofSeconds(2);

    private OrphanedServer() {}

    static void stop(Path data, Duration limit) throws IOException {
        stop(data, limit, () -> false);
    }

    /** The same, until it is no longer wanted: then a StartupException says so, and what was told to end does so by itself. */
    static void stop(Path data, Duration limit, BooleanSupplier isOver) throws IOException {
        var file = PostmasterFile.read(data);
        var server = file.flatMap(postmaster -> ProcessHandle.of(postmaster.pid()));
        if (server.isPresent() && standsIn(data, server.get())) {
            LOG.log(WARNING, "event=server_left_behind pid=" + server.get().pid() + " data=" + data);
            if (!ServerSignals.endsInOrder(server.get(), limit, isOver)) {
                if (isOver.getAsBoolean()) {
                    throw new StartupException("told to stop while the PostgreSQL of an earlier start ends");
                }
                ServerSignals.stop(server.get(), Duration.ZERO);
            }
        }
        // A server that was killed leaves children, which end when they notice; what they had not committed is void
        // anyway.
        ServerSignals.kill(processesIn(data), CHILDREN_LIMIT);
        if (!processesIn(data).isEmpty()) {
            throw new StartupException("a PostgreSQL server from an earlier start still runs on " + data + " (process "
                    + processesIn(data).getFirst().pid() + ") and cannot be stopped: end it, then start again");
        }
        if (server.isPresent() && server.get().isAlive()) {
            Files.deleteIfExists(data.resolve("postmaster.pid")); // another program has that number now
        }
    }

    private static List<ProcessHandle> processesIn(Path data) {
        return ProcessHandle.allProcesses()
                .filter(process -> standsIn(data, process))
                .toList();
    }

    private static boolean standsIn(Path data, ProcessHandle process) {
        var proc = Path.of("/proc", Long.toString(process.pid()));
        try {
            return Files.readString(proc.resolve("comm")).strip().equals("postgres")
                    && Files.isSameFile(proc.resolve("cwd"), data);
        } catch (IOException e) {
            return false; // ended meanwhile, or of another user
        }
    }
}
