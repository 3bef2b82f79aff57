package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.command.NodeStarter.RunningNode;
import dev.orrery.cli.run.Interrupts;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Keeps a node up until it is told to stop or ends by itself. The first signal stops it, however early it comes; the second
 * ends the process, which {@link Interrupts} sees to.
 */
final class NodeLifetime {

    private static final Duration LOST_NODE_STOPS_WITHIN = Duration.ofSeconds(5);

    private final Interrupts interrupts;
    private final CompletableFuture<Integer> stopAsked = new CompletableFuture<>();

    /** From now on the first signal is remembered; {@code onStop} says so to the user. */
    NodeLifetime(Interrupts interrupts, Runnable onStop) {
        this.interrupts = interrupts;
        interrupts.endAtSecond(() -> {
            onStop.run();
            stopAsked.complete(ExitCode.OK.code());
        });
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
