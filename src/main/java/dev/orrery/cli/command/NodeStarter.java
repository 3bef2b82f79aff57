package dev.orrery.cli.command;

import dev.orrery.config.OrreryConfig;
import dev.orrery.node.Console;
import java.net.URI;
import java.util.concurrent.CompletionStage;

/** Starts nodes in this JVM. */
@FunctionalInterface
public interface NodeStarter {

    /** Returns when the node serves; throws a StartupException that names what is wrong and the cure. */
    RunningNode start(OrreryConfig config, Console console);

    /** A node in this JVM. */
    interface RunningNode {

        /** Where it listens. */
        URI address();

        /** Completes with an exit code if it ends by itself. */
        CompletionStage<Integer> ended();

        /** Takes nothing new, lets running tasks go on for as long as the configuration says, and closes. Blocks. */
        void stop();
    }
}
