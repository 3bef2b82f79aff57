package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.command.NodeStarter.RunningNode;
import dev.orrery.cli.run.Interrupts;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Keeps a node up until it is told to stop or ends by itself. The first signal stops it, however early it comes; the second
 * ends the process, which {@link Interrupts} sees to.
 */
final class NodeLifetime {

    private static final Duration LOST_NODE_STOPS_WITHIN = Duration.ofSeconds(5);

    /** Whatever a start waits for: it has no work in hand yet, so its process can end as if it were killed. */
    private static final Duration START_STOPS_WITHIN = Duration.ofSeconds(15);

    private final Interrupts interrupts;
    private final CompletableFuture<Integer> stopAsked = new CompletableFuture<>();
    private volatile boolean starting;

    /** From now on the first signal is remembered; {@code onStop} says so to the user. */
    NodeLifetime(Interrupts interrupts, Runnable onStop) {
        this(interrupts, onStop, START_STOPS_WITHIN);
    }

    NodeLifetime(Interrupts interrupts, Runnable onStop, Duration startStopsWithin) {
        this.interrupts = interrupts;
        interrupts.endAtSecond(signal -> {
            if (starting) {
                CompletableFuture.delayedExecutor(startStopsWithin.toMillis(), TimeUnit.MILLISECONDS)
                        .execute(() -> endStart(signal));
            }
            onStop.run();
            stopAsked.complete(ExitCode.OK.code());
        });
    }

    /** Starts a node; a start that does not leave off in time when it is told to stop ends with the process. */
    RunningNode start(Supplier<RunningNode> node) {
        starting = true;
        try {
            return node.get();
        } finally {
            starting = false;
        }
    }

    private void endStart(Interrupts.Ending signal) {
        if (starting) {
            interrupts.halt(signal.exitCode());
        }
    }

    /**
     * Waits for the end of the node, stops it, and returns the exit code. A node that has lost its right to work must be
     * gone soon: where it does not stop in time, the process ends.
     */
    int of(RunningNode node) {
        var ended = new CompletableFuture<Integer>();
        node.ended().thenAccept(ended::complete);
        var exitCode = (Integer) CompletableFuture.anyOf(stopAsked, ended).join();
        if (ended.isDone()) {
            stopAtOnce(node, exitCode);
        } else {
            node.stop();
        }
        return exitCode;
    }

    /** Whether the user asked for the end. */
    boolean isOver() {
        return stopAsked.isDone();
    }

    /** Waits, but not on after the user asked for the end. */
    void await(Duration time) {
        try {
            stopAsked.get(time.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            // Not asked yet.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void stopAtOnce(RunningNode node, int exitCode) {
        var stopping = Thread.ofVirtual().name("stop").start(node::stop);
        try {
            if (!stopping.join(LOST_NODE_STOPS_WITHIN)) {
                interrupts.halt(exitCode);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
