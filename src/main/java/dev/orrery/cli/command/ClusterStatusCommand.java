package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import dev.orrery.cli.text.TextWidth;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

/** Shows the nodes, who leads them and how much they have to do. */
@Command(
        name = "status",
        description = "Show the nodes of the cluster: state, leader, load, heartbeats, clocks and versions.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery cluster status",
            "  orrery cluster status --output json | jq -r '.nodes[] | select(.leader) | .name'",
            "  orrery cluster status --output json | jq '.cluster.queueDepth'"
        })
final class ClusterStatusCommand extends ServerAction {

    private static final Duration CLOCK_OFFSET_MAX = Duration.ofSeconds(2);

    ClusterStatusCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var cluster = client.get("/api/v1/cluster").object();
        var nodes = new Nodes(client).present();
        if (isJson()) {
            var all = new LinkedHashMap<String, @Nullable Object>();
            all.put("cluster", cluster);
            all.put("nodes", nodes);
            terminal().line(JsonObject.of(all).toString());
        } else {
            show(cluster, nodes);
            remarks(cluster, nodes).forEach(remark -> terminal().remark(remark));
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject cluster, List<JsonObject> nodes) {
        terminal().line("cluster  " + cluster.textOrEmpty("id") + " (" + cluster.textOrEmpty("mode") + ")");
        terminal().line("leader   " + leader(cluster, nodes));
        terminal()
                .line("load     " + cluster.number("runningTasks") + " running, " + cluster.number("queueDepth")
                        + " queued, " + cluster.number("slots") + " slots on " + count(cluster.number("nodes")));
        terminal().line("");
        var table = Table.of(
                "NODE",
                "STATE",
                "LEADS",
                "RUNNING#",
                "QUEUED#",
                "SLOTS#",
                "HEARTBEAT#",
                "CLOCK#",
                "VERSION",
                "STARTED",
                "ID",
                "ADDRESS");
        nodes.forEach(node -> row(table, node));
        terminal().table(table);
    }

    private static String count(long nodes) {
        return nodes == 1 ? "1 node" : nodes + " nodes";
    }

    private String leader(JsonObject cluster, List<JsonObject> nodes) {
        var epoch = "epoch " + cluster.number("epoch");
        return cluster.text("leader")
                .map(id -> nodes.stream()
                                .filter(node -> node.textOrEmpty("id").equals(id))
                                .map(node -> TextWidth.clean(node.textOrEmpty("name")))
                                .findFirst()
                                .orElse(id)
                        + ", " + epoch
                        + cluster.time("leaderSince")
                                .map(at -> ", elected "
                                        + HumanTime.ago(at, context.clock().instant()))
                                .orElse(""))
                .orElse("none, the last one had " + epoch);
    }

    private void row(Table table, JsonObject node) {
        var state = node.textOrEmpty("state");
        var silent = state.equals("silent");
        table.row(
                cell(node.textOrEmpty("name")),
                cell(state, silent ? Colour.RED : StateColours.of(state)),
                cell(node.flag("leader").orElse(false) ? "yes" : "-"),
                cell(Long.toString(node.number("runningTasks"))),
                cell(Long.toString(node.number("queueDepth"))),
                cell(Long.toString(node.number("slots"))),
                cell(HumanTime.of(Duration.ofMillis(node.number("heartbeatAgeMs"))), silent ? Colour.RED : Colour.NONE),
                cell(offset(clockOffset(node)), isOff(node) ? Colour.YELLOW : Colour.NONE),
                cell(node.textOrEmpty("version")),
                cell(node.time("startedAt")
                        .map(at -> HumanTime.ago(at, context.clock().instant()))
                        .orElse("-")),
                cell(node.textOrEmpty("id")),
                cell(node.text("httpAddress").orElse("-")));
    }

    private static Duration clockOffset(JsonObject node) {
        return Duration.ofMillis(node.number("clockOffsetMs"));
    }

    private static boolean isOff(JsonObject node) {
        return clockOffset(node).abs().compareTo(CLOCK_OFFSET_MAX) > 0;
    }

    private static String offset(Duration ahead) {
        return (ahead.isNegative() ? "-" : "+") + HumanTime.of(ahead.abs());
    }

    /** What somebody should look at. */
    private List<String> remarks(JsonObject cluster, List<JsonObject> nodes) {
        var remarks = new ArrayList<String>();
        if (cluster.text("leader").isEmpty()) {
            remarks.add(
                    "no node leads: runs go on, but no schedule starts one and nothing is cleaned up until a node does;"
                            + " /health/ready of the nodes says whether they reach etcd");
        }
        for (var node : nodes) {
            var name = TextWidth.clean(node.textOrEmpty("name"));
            if (node.textOrEmpty("state").equals("silent")) {
                remarks.add(
                        "node '" + name + "' is silent: where another node runs, its work goes there within seconds");
            }
            if (isOff(node)) {
                var offset = clockOffset(node);
                remarks.add("the clock of node '" + name + "' is " + HumanTime.of(offset.abs())
                        + (offset.isNegative() ? " behind" : " ahead of")
                        + " the database's: the times in its log are wrong; set the clock");
            }
        }
        var versions = cluster.texts("versions");
        if (versions.size() > 1) {
            remarks.add("the nodes run different versions: " + String.join(", ", versions));
        }
        return remarks;
    }
}
