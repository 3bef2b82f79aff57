package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.TextWidth;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Forgets what is set for a key. */
@Command(
        name = "delete",
        description = "Forget what is set for a key.",
        footer = {ServerAction.EXAMPLES, "  orrery limit delete 'customer-*'"})
final class LimitDeleteCommand extends ServerAction {

    @Parameters(paramLabel = "KEY", description = "The key, as it was set.")
    String key = "";

    LimitDeleteCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        client().delete("/api/v1/limits/" + ApiClient.encode(key));
        if (!isJson()) {
            terminal().line(terminal().style().succeededMark() + " forgot what was set for " + TextWidth.clean(key));
        }
        return ExitCode.OK.code();
    }
}
