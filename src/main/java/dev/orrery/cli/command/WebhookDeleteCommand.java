package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Deletes a webhook. */
@Command(
        name = "delete",
        description = "Delete a webhook: what is sent to it is refused from now on. The events it made stay.",
        footer = {ServerAction.EXAMPLES, "  orrery webhook delete shop"})
final class WebhookDeleteCommand extends ServerAction {

    @Parameters(paramLabel = "NAME", description = "The webhook's name.")
    String name = "";

    WebhookDeleteCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        client().delete(Webhooks.path(name));
        terminal().line(isJson() ? JsonObject.of(Map.of("name", name)).toString() : "deleted " + name);
        return ExitCode.OK.code();
    }
}
