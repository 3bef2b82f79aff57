package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.run.RunFollower;
import dev.orrery.cli.run.RunReport;
import dev.orrery.cli.run.RunViews;
import dev.orrery.domain.dag.RunState;
import java.util.function.UnaryOperator;

/** Follows a run to its end, tells how it ended, and turns that into an exit code. Ctrl-C leaves the run running. */
final class Following {

    private final Context context;
    private final ApiClient client;
    private final boolean json;
    private final UnaryOperator<String> commandLine;

    Following(Context context, ApiClient client, boolean json, UnaryOperator<String> commandLine) {
        this.context = context;
        this.client = client;
        this.json = json;
        this.commandLine = commandLine;
    }

    int toTheEnd(String runId) {
        try (var view = RunViews.of(context.terminal(), json, context.clock())) {
            context.interrupts().endAfter(() -> {
                view.restore();
                context.terminal()
                        .remark("the run goes on; follow it again with: " + commandLine.apply("run watch " + runId));
            });
            var state = new RunFollower(client, view).follow(runId);
            view.restore();
            if (!json) {
                report(runId);
            }
            return (state == RunState.SUCCEEDED ? ExitCode.OK : ExitCode.FAILED).code();
        }
    }

    private void report(String runId) {
        try {
            var run = client.get("/api/v1/runs/" + runId).object();
            var report = new RunReport(client, context.terminal(), commandLine);
            report.failure(run);
            report.next(run);
            report.verdict(run, context.clock().instant());
        } catch (CommandFailure unknown) {
            // How the run ended is known, and is what the exit code must tell.
            context.terminal().remark("the run has ended, but cannot be shown: " + unknown.getMessage());
        }
    }
}
