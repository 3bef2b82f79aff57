package dev.orrery.store;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** Stops a server by the signals it knows: fast, then immediate, then the kernel's. Each has its limit. */
final class ServerSignals {

    private static final Duration HARD_LIMIT = Duration.ofSeconds(5);
    private static final Duration LOOK_EVERY = Duration.ofMillis(100);

    private ServerSignals() {}

    static void stop(ProcessHandle server, Duration limit) {
        stop(server, limit, HARD_LIMIT);
    }

    /** {@code limit}: for a stop in good order; {@code hardLimit}: for one that the next start has to recover from. */
    static void stop(ProcessHandle server, Duration limit, Duration hardLimit) {
        if (!endsBy(server, "INT", limit) && !endsBy(server, "QUIT", hardLimit)) {
            server.destroyForcibly();
            awaitEnd(server.onExit(), HARD_LIMIT);
        }
    }

    /** Asks a server to end in good order, and waits for it; false where the limit comes first, or nobody wants it any more. */
    static boolean endsInOrder(ProcessHandle server, Duration limit, BooleanSupplier isOver) {
        var deadline = System.nanoTime() + limit.toNanos();
        if (endsBy(server, "INT", LOOK_EVERY)) {
            return true;
        }
        while (System.nanoTime() < deadline && !isOver.getAsBoolean()) {
            if (awaitEnd(server.onExit(), LOOK_EVERY)) {
                return true;
            }
        }
        return false;
    }

    /** Gives processes some time to end by themselves; then the kernel ends them. */
    static void kill(List<ProcessHandle> processes, Duration limit) {
        var ends = processes.stream().map(ProcessHandle::onExit).toArray(CompletableFuture<?>[]::new);
        if (!awaitEnd(CompletableFuture.allOf(ends), limit)) {
            processes.forEach(ProcessHandle::destroyForcibly);
            awaitEnd(CompletableFuture.allOf(ends), HARD_LIMIT);
        }
    }

    private static boolean endsBy(ProcessHandle server, String signal, Duration limit) {
        if (!server.isAlive()) {
            return true;
        }
        ServerProcess.run(List.of("/bin/sh", "-c", "kill -" + signal + " " + server.pid()), Duration.ofSeconds(5));
        return awaitEnd(server.onExit(), limit);
    }

    private static boolean awaitEnd(CompletableFuture<?> end, Duration limit) {
        try {
            end.get(limit.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
