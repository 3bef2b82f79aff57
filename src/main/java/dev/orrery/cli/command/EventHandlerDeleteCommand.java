package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.LinkedHashMap;
import picocli.CommandLine.Command;

/** Deletes an event handler with its executions. */
@Command(
        name = "delete",
        description = "Delete an event handler with its executions. Events stay.",
        footer = {ServerAction.EXAMPLES, "  orrery event-handler delete bill"})
final class EventHandlerDeleteCommand extends EventHandlerAction {

    EventHandlerDeleteCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        client.delete(Events.HANDLERS + "/" + found.textOrEmpty("id"));
        if (isJson()) {
            var fields = new LinkedHashMap<String, String>();
            fields.put("id", found.textOrEmpty("id"));
            fields.put("name", found.textOrEmpty("name"));
            terminal().line(JsonObject.of(fields).toString());
        } else {
            terminal().line("deleted " + TextWidth.clean(found.textOrEmpty("name")));
        }
        return ExitCode.OK.code();
    }
}
