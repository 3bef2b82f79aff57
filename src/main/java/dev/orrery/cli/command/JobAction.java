package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import picocli.CommandLine.Parameters;

/** What all commands have in common that are about one job that exists. */
abstract class JobAction extends ServerAction {

    @Parameters(paramLabel = "JOB", description = "The job's id, or its name where no other job has it.")
    String job = "";

    JobAction(Context context) {
        super(context);
    }

    @Override
    public final Integer call() {
        var client = client();
        return about(client, new Jobs(client).find(job));
    }

    /** Does it, and returns the exit code. */
    abstract int about(ApiClient client, JsonObject found);

    /** Says what was done, or for programs what the node answered. */
    final int done(ApiClient.Answer answer, String done, String remark) {
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            terminal().line(terminal().style().succeededMark() + " " + done);
            terminal().remark(remark);
        }
        return ExitCode.OK.code();
    }
}
