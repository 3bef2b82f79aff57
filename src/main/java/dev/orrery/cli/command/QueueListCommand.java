package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the queues. */
@Command(
        name = "list",
        description = "List the queues with what is set for them.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery queue list",
            "  orrery queue list --output json | jq -r '.items[] | select(.paused) | .name'"
        })
final class QueueListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--cursor", paramLabel = "NAME", description = "The name behind which the list begins.")
    String cursor = "";

    QueueListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var from = cursor.isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor);
        var answer = client().get("/api/v1/queues?limit=" + limit + from);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var table = Table.of("QUEUE", "STATUS", "WEIGHT#", "MAX#", "RUNNING#", "RATE");
        for (var queue : answer.object().objects("items")) {
            table.row(
                    cell(queue.textOrEmpty("name")),
                    cell(queue.flag("paused").orElse(false) ? "paused" : "open"),
                    cell(Integer.toString(queue.integer("weight"))),
                    cell(QueueTexts.most(queue)),
                    cell(QueueTexts.number(queue, "running").orElse("-")),
                    cell(QueueTexts.rate(queue)));
        }
        terminal().table(table);
        answer.object().text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
        return ExitCode.OK.code();
    }
}
