package dev.orrery.store;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Stops a server by the signals it knows: fast, then immediate, then the kernel's. Each has its limit. */
final class ServerSignals {

    private static final Duration HARD_LIMIT = Duration.ofSeconds(5);

    private ServerSignals() {}

    static void stop(ProcessHandle server, Duration limit) {
        if (!endsBy(server, "INT", limit) && !endsBy(server, "QUIT", HARD_LIMIT)) {
            server.destroyForcibly();
            awaitEnd(server, HARD_LIMIT);
        }
    }

    private static boolean endsBy(ProcessHandle server, String signal, Duration limit) {
        if (!server.isAlive()) {
            return true;
        }
        ServerProcess.run(List.of("/bin/sh", "-c", "kill -" + signal + " " + server.pid()), Duration.ofSeconds(5));
        return awaitEnd(server, limit);
    }

    private static boolean awaitEnd(ProcessHandle server, Duration limit) {
        try {
            server.onExit().get(limit.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            return !server.isAlive();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return !server.isAlive();
        }
    }
}
