package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Deletes a finished run. */
@Command(
        name = "delete",
        description = {
            "Delete a finished run with its tasks, outputs and logs.",
            "While it is active it is refused; 'run cancel' ends it."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery run delete 01980f6e-5a10-7000-8b2d-5f3100000000",
            "  orrery run list --state failed --output json | jq -r '.[].runId' | xargs -n 1 orrery run delete"
        })
final class RunDeleteCommand extends ServerAction {

    @Parameters(paramLabel = "RUN", description = "The run's id, 6 or more characters of its beginning, or 'latest'.")
    String run = "";

    RunDeleteCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var id = new Runs(client).find(run);
        client.delete("/api/v1/runs/" + id);
        terminal().line(isJson() ? JsonObject.of(Map.of("runId", id)).toString() : "deleted " + id);
        return ExitCode.OK.code();
    }
}
