package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;

/** Keeps events from firing a handler. */
@Command(
        name = "disable",
        description = {"Keep events from firing a handler until it is enabled.", "What runs goes on."},
        footer = {ServerAction.EXAMPLES, "  orrery event-handler disable bill"})
final class EventHandlerDisableCommand extends EventHandlerAction {

    EventHandlerDisableCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        return Events.done(
                this,
                Events.disable(client, found),
                "disabled " + TextWidth.clean(found.textOrEmpty("name"))
                        + "; events do not fire it until it is enabled");
    }
}
