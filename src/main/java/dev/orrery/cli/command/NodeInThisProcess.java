package dev.orrery.cli.command;

import dev.orrery.cli.command.NodeStarter.RunningNode;
import dev.orrery.config.OrreryConfig;
import dev.orrery.node.Console;
import dev.orrery.node.Node;
import dev.orrery.telemetry.LogSetup;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.CompletionStage;

/** The real node. Nothing that only asks a node may load this class: with it come all libraries. */
final class NodeInThisProcess implements RunningNode {

    private final Node node;

    private NodeInThisProcess(Node node) {
        this.node = node;
    }

    static RunningNode start(OrreryConfig config, Console console) {
        LogSetup.level(config.log().level().name());
        return new NodeInThisProcess(Node.start(config, Path.of("").toAbsolutePath(), console));
    }

    @Override
    public URI address() {
        return node.address();
    }

    @Override
    public CompletionStage<Integer> ended() {
        return node.ended().toCompletionStage();
    }

    @Override
    public void stop() {
        node.stop();
    }
}
