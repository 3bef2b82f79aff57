package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the DAGs of a node. */
@Command(
        name = "list",
        description = "List the DAGs of a node, newest first.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag list",
            "  orrery dag list --limit 100 --output json | jq -r '.[].name'"
        })
final class DagListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 50).")
    int limit = 50;

    @Option(names = "--offset", paramLabel = "N", description = "How many to leave out at the beginning.")
    int offset;

    DagListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get("/api/v1/dags?limit=" + limit + "&offset=" + offset);
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.list());
        }
        return ExitCode.OK.code();
    }

    private void show(List<JsonObject> dags) {
        if (dags.isEmpty()) {
            terminal()
                    .line("no DAGs"
                            + (offset > 0
                                    ? " beyond " + offset
                                    : "; publish one with: " + commandLine("dag apply FILE")));
            return;
        }
        var table = Table.of("NAME", "VERSION#", "TASKS#", "STATE", "SCHEDULE", "UPDATED", "ID");
        var now = context.clock().instant();
        for (var dag : dags) {
            var state = dag.flag("active").orElse(true) ? "active" : "paused";
            table.row(
                    cell(dag.textOrEmpty("name")),
                    cell(Integer.toString(dag.integer("version"))),
                    cell(Integer.toString(dag.integer("taskCount"))),
                    cell(state, StateColours.of(state)),
                    cell(dag.text("schedule").orElse("-")),
                    cell(dag.time("updatedAt").map(at -> HumanTime.ago(at, now)).orElse("-")),
                    cell(dag.textOrEmpty("id")));
        }
        terminal().table(table);
        if (dags.size() == limit) {
            terminal().remark("there may be more: --offset " + (offset + limit));
        }
    }
}
