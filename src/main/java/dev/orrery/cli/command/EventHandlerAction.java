package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import picocli.CommandLine.Parameters;

/** What all commands have in common that are about one event handler that exists. */
abstract class EventHandlerAction extends ServerAction {

    @Parameters(paramLabel = "HANDLER", description = "The handler's id, or its name where no other has it.")
    String handler = "";

    EventHandlerAction(Context context) {
        super(context);
    }

    @Override
    public final Integer call() {
        var client = client();
        return about(client, Events.handler(client, handler));
    }

    /** Does it, and returns the exit code. */
    abstract int about(ApiClient client, JsonObject found);
}
