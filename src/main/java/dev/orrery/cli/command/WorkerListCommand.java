package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.Table;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the workers of all nodes, and the remote ones. */
@Command(
        name = "list",
        description = {
            "List the workers of all nodes, and how much they have to do.",
            "Remote workers follow in a table of their own; --remote lists them alone, also with --output json."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery worker list",
            "  orrery worker list --remote --handler resize",
            "  orrery worker list --output json | jq 'map(.queueDepth) | add'"
        })
final class WorkerListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--offset", paramLabel = "N", description = "How many to leave out at the beginning.")
    int offset;

    @Option(names = "--remote", description = "List remote workers alone, the newest first.")
    boolean remote;

    @Option(names = "--handler", paramLabel = "NAME", description = "Of the remote workers those that offer it.")
    Optional<String> handler = Optional.empty();

    WorkerListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (remote || handler.isPresent()) {
            return listRemote(true);
        }
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
        return listRemote(false);
    }

    /** {@code always}: also where there is none. */
    private int listRemote(boolean always) {
        var chosen = handler.map(name -> "&handler=" + ApiClient.encode(name)).orElse("");
        var answer = client().get("/api/v1/remote-workers?limit=" + limit + chosen);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var workers = answer.object().objects("items");
        if (workers.isEmpty() && !always) {
            return ExitCode.OK.code();
        }
        var table = Table.of("REMOTE WORKER", "STATUS", "RUNNING#", "SLOTS#", "NAME", "HANDLERS");
        for (var worker : workers) {
            var status = worker.textOrEmpty("status");
            table.row(
                    cell(worker.textOrEmpty("id")),
                    cell(status, StateColours.of(status)),
                    cell(Integer.toString(worker.integer("runningTasks"))),
                    cell(Integer.toString(worker.integer("slots"))),
                    cell(worker.textOrEmpty("name")),
                    cell(String.join(", ", worker.texts("handlers"))));
        }
        terminal().table(table);
        return ExitCode.OK.code();
    }
}
