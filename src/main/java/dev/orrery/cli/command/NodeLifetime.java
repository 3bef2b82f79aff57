package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.command.NodeStarter.RunningNode;
import dev.orrery.cli.run.Interrupts;
import java.util.concurrent.CompletableFuture;

/**
 * Keeps a node up until it is told to stop or ends by itself. The first signal stops it, however early it comes; the second
 * ends the process, which {@link Interrupts} sees to.
 */
final class NodeLifetime {

    private final CompletableFuture<Integer> stopAsked = new CompletableFuture<>();

    /** From now on the first signal is remembered; {@code onStop} says so to the user. */
    NodeLifetime(Interrupts interrupts, Runnable onStop) {
        interrupts.endAtSecond(() -> {
            onStop.run();
            stopAsked.complete(ExitCode.OK.code());
        });
    }

    /** Waits for the end of the node, stops it, and returns the exit code. */
    int of(RunningNode node) {
        node.ended().thenAccept(stopAsked::complete);
        try {
            return stopAsked.join();
        } finally {
            node.stop();
        }
    }
}
