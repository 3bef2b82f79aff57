package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.run.RunReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Shows a run: first what went wrong, then everything. */
@Command(
        name = "show",
        description = "Show a run: the failed task and the end of its log first, then all tasks.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery run show",
            "  orrery run show 01980f6e-5a10-7000-8b2d-5f3100000000",
            "  orrery run show latest --output json | jq '.tasks[] | select(.state == \"failed\")'"
        })
final class RunShowCommand extends ServerAction {

    @Parameters(
            paramLabel = "RUN",
            arity = "0..1",
            description = "The run's id, 6 or more characters of its beginning, or 'latest' (the default).")
    String run = Runs.LATEST;

    RunShowCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var answer = client.get("/api/v1/runs/" + new Runs(client).find(run));
        if (isJson()) {
            terminal().line(answer.body());
            return ExitCode.OK.code();
        }
        var now = context.clock().instant();
        var status = answer.object();
        var report = new RunReport(client, terminal(), this::commandLine);
        report.failure(status);
        report.next(status);
        report.verdict(status, now);
        terminal().line("");
        report.table(status, now);
        return ExitCode.OK.code();
    }
}
