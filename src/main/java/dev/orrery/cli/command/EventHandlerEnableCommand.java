package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;

/** Lets events fire a handler again. */
@Command(
        name = "enable",
        description = {
            "Let events fire a handler again.",
            "Events that came while it was disabled do not fire it now: 'event replay' makes up for them."
        },
        footer = {ServerAction.EXAMPLES, "  orrery event-handler enable bill"})
final class EventHandlerEnableCommand extends EventHandlerAction {

    EventHandlerEnableCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        return Events.done(
                this, Events.enable(client, found), "enabled " + TextWidth.clean(found.textOrEmpty("name")) + "");
    }
}
