package dev.orrery.cli.command;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Follows a run to its end. */
@Command(
        name = "watch",
        description = {
            "Follow a run to its end, live; the exit code tells whether it succeeded.",
            "With --output json each event is a line of JSON. Ctrl-C ends the watching, not the run."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery run watch",
            "  orrery run watch 01980f6e-5a10-7000-8b2d-5f3100000000",
            "  orrery run watch latest --output json | jq -r 'select(.event == \"task\") | .taskId + \" \" + .state'"
        })
final class RunWatchCommand extends ServerAction {

    @Parameters(
            paramLabel = "RUN",
            arity = "0..1",
            description = "The run's id, 6 or more characters of its beginning, or 'latest' (the default).")
    String run = Runs.LATEST;

    RunWatchCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var id = new Runs(client).find(run);
        return new Following(context, client, isJson(), this::commandLine).toTheEnd(id);
    }
}
