package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.Table;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists event handlers. */
@Command(
        name = "list",
        description = "List event handlers, newest first.",
        footer = {ServerAction.EXAMPLES, "  orrery event-handler list --event order.paid"})
final class EventHandlerListCommand extends ServerAction {

    @Option(names = "--event", paramLabel = "NAME", description = "That listen to events of this name.")
    @Nullable String event;

    @Option(names = "--limit", paramLabel = "N", description = "How many at most, 1 to 500 (default: 50).")
    int limit = 50;

    @Option(names = "--cursor", paramLabel = "CURSOR", description = "Where the list goes on, as it told at its end.")
    @Nullable String cursor;

    EventHandlerListCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(Events.HANDLERS + "?limit=" + limit + JobListCommand.part("eventName", event)
                + JobListCommand.part("cursor", cursor));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject page) {
        var handlers = page.objects("items");
        if (handlers.isEmpty()) {
            terminal()
                    .line("no event handlers"
                            + (event == null
                                    ? "; register one with: " + commandLine("event-handler create --help")
                                    : " like that"));
            return;
        }
        var table = Table.of("NAME", "EVENT", "STATUS", "DID#", "FAILED#", "ID", "DOES");
        for (var handler : handlers) {
            var status = handler.textOrEmpty("status");
            table.row(
                    cell(handler.textOrEmpty("name")),
                    cell(handler.textOrEmpty("eventName")),
                    cell(status, StateColours.of(status)),
                    cell(Long.toString(handler.number("executionsCount"))),
                    cell(Long.toString(handler.number("failureCount"))),
                    cell(handler.textOrEmpty("id")),
                    cell(JobTexts.work(handler)));
        }
        terminal().table(table);
        page.text("nextCursor").ifPresent(next -> terminal().remark("there are more: --cursor " + next));
    }
}
