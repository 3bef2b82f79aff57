package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Asks a node to take no more work. */
@Command(
        name = "drain",
        description = {
            "Ask a node to take no more work, hand back what has not begun, and let running tasks finish.",
            "It stays up and answers calls; to take work again it has to be started anew."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery cluster drain node-2",
            "  orrery cluster drain 01980f6e-0000-7000-8b2d-5f3100000000",
            "  orrery cluster status --output json | jq '.nodes[] | select(.state == \"draining\") | .runningTasks'"
        })
final class ClusterDrainCommand extends ServerAction {

    @Parameters(paramLabel = "NODE", description = "The node's name or id.")
    String node = "";

    ClusterDrainCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var found = new Nodes(client).find(node);
        var id = found.textOrEmpty("id");
        client.post("/api/v1/nodes/" + id + "/drain", JsonObject.of(Map.of()));
        if (isJson()) {
            terminal().line(JsonObject.of(Map.of("nodeId", id)).toString());
        } else {
            terminal()
                    .line("node " + TextWidth.clean(found.textOrEmpty("name"))
                            + " is asked to drain; how much it still runs is shown by: "
                            + commandLine("cluster status"));
        }
        return ExitCode.OK.code();
    }
}
