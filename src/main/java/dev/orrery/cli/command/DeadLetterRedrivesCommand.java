package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Table;
import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists what was asked of many dead letters, and how far it has come. */
@Command(
        name = "redrives",
        description = "List what was asked of many dead letters, newest first, with how far it has come.",
        footer = {ServerAction.EXAMPLES, "  orrery dead-letter redrives"})
final class DeadLetterRedrivesCommand extends ServerAction {

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 20).")
    int limit = 20;

    @Option(names = "--cursor", paramLabel = "REDRIVE", description = "The one behind which the list begins.")
    String cursor = "";

    DeadLetterRedrivesCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var from = cursor.isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor);
        var answer = client().get(DeadLetters.PATH + "/redrives?limit=" + limit + from);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var redrives = answer.object().objects("items");
        if (redrives.isEmpty()) {
            terminal().line("nothing was asked of many dead letters");
        } else {
            terminal().table(table(redrives, context.clock().instant()));
        }
        answer.object().text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
        return ExitCode.OK.code();
    }

    private static Table table(List<JsonObject> redrives, Instant now) {
        var table = Table.of("REDRIVE", "ASKED", "ACTION", "STATE", "DONE#", "REFUSED#", "BY");
        for (var redrive : redrives) {
            table.row(
                    cell(redrive.textOrEmpty("id")),
                    cell(redrive.time("createdAt")
                            .map(at -> HumanTime.ago(at, now))
                            .orElse("-")),
                    cell(redrive.textOrEmpty("action")),
                    cell(redrive.textOrEmpty("state")),
                    cell(Integer.toString(redrive.integer("redriven"))),
                    cell(Integer.toString(redrive.integer("refused"))),
                    cell(redrive.textOrEmpty("by")));
        }
        return table;
    }
}
