package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the workers of all nodes. */
@Command(
        name = "list",
        description = "List the workers of all nodes, and how much they have to do.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery worker list",
            "  orrery worker list --output json | jq 'map(.queueDepth) | add'"
        })
final class WorkerListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--offset", paramLabel = "N", description = "How many to leave out at the beginning.")
    int offset;

    WorkerListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get("/api/v1/workers?limit=" + limit + "&offset=" + offset);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var table = Table.of("WORKER", "STATUS", "RUNNING#", "QUEUED#", "NODE");
        for (var worker : answer.list()) {
            var status = worker.textOrEmpty("status");
            table.row(
                    cell(worker.textOrEmpty("id")),
                    cell(status, StateColours.of(status)),
                    cell(Integer.toString(worker.integer("runningTasks"))),
                    cell(Integer.toString(worker.integer("queueDepth"))),
                    cell(worker.textOrEmpty("nodeId")));
        }
        terminal().table(table);
        return ExitCode.OK.code();
    }
}
