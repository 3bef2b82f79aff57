package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists events. */
@Command(
        name = "list",
        description = "List events, newest first.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery event list --name order.paid --from 2026-01-31",
            "  orrery event list --output json | jq -r '.items[].id'"
        })
final class EventListCommand extends ServerAction {

    @Option(names = "--name", paramLabel = "NAME", description = "Of this name.")
    @Nullable String name;

    @Option(names = "--from", paramLabel = "TIME", description = "Received then or later.")
    @Nullable String from;

    @Option(names = "--to", paramLabel = "TIME", description = "Received before.")
    @Nullable String to;

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 50).")
    int limit = 50;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where the list goes on, as it told at its end.")
    @Nullable String cursor;

    EventListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(Events.PATH + "?limit=" + limit + JobListCommand.part("name", name)
                + JobListCommand.part("from", from == null ? null : JobTexts.time("--from", from, ZoneOffset.UTC))
                + JobListCommand.part("to", to == null ? null : JobTexts.time("--to", to, ZoneOffset.UTC))
                + JobListCommand.part("cursor", cursor));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject page) {
        var events = page.objects("items");
        if (events.isEmpty()) {
            terminal().line("no events" + (name == null ? "" : " like that"));
            return;
        }
        terminal().table(Events.table(events, context.clock().instant()));
        page.text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
    }
}
