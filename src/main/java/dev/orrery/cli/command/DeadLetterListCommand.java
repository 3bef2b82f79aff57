package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lists dead letters. */
@Command(
        name = "list",
        description = "List what failed for good, newest first.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dead-letter list",
            "  orrery dead-letter list --dag nightly --from 2026-01-31T08:00Z",
            "  orrery dead-letter list --state discarded --output json | jq -r '.items[].reason'"
        })
final class DeadLetterListCommand extends ServerAction {

    @Mixin
    DeadLetters.Filter filter = new DeadLetters.Filter();

    @Option(
            names = "--state",
            paramLabel = "STATE",
            description = "Open, redriven or discarded letters (default: open).")
    String state = "open";

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 100).")
    int limit = 100;

    @Option(names = "--cursor", paramLabel = "LETTER", description = "The letter behind which the list begins.")
    String cursor = "";

    DeadLetterListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var from = cursor.isEmpty() ? "" : "&cursor=" + ApiClient.encode(cursor);
        var answer = client().get(DeadLetters.PATH + "?limit=" + limit + "&state=" + ApiClient.encode(state)
                + filter.query() + from);
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var letters = answer.object().objects("items");
        if (letters.isEmpty()) {
            terminal().line("no dead letters like that");
        } else {
            terminal().table(DeadLetters.table(letters, context.clock().instant()));
        }
        answer.object().text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
        return ExitCode.OK.code();
    }
}
