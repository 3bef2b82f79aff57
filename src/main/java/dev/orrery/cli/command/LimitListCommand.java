package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists what is set for keys. */
@Command(
        name = "list",
        description = "List what is set for keys; of any other key one task runs at a time.",
        footer = {ServerAction.EXAMPLES, "  orrery limit list"})
final class LimitListCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--cursor", paramLabel = "KEY", description = "The key behind which the list begins.")
    String cursor = "";

    LimitListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var from = cursor.isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor);
        var answer = client().get("/api/v1/limits?limit=" + limit + from);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var limits = answer.object().objects("items");
        if (limits.isEmpty()) {
            terminal().line("nothing is set: one task of each key runs at a time");
            return ExitCode.OK.code();
        }
        var table = Table.of("KEY", "MAX#", "RATE");
        limits.forEach(each ->
                table.row(cell(each.textOrEmpty("key")), cell(QueueTexts.most(each)), cell(QueueTexts.rate(each))));
        terminal().table(table);
        answer.object().text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
        return ExitCode.OK.code();
    }
}
