package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Gives a failed execution one more attempt. */
@Command(
        name = "retry",
        description = "Give an execution of a function that failed one more attempt.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job retry 01980f6e-5a10-7000-8b2d-5f3100000000",
            "  orrery job history sync --status failed --output json | jq -r '.items[].id' \\",
            "      | xargs -n 1 orrery job retry"
        })
final class JobRetryCommand extends ServerAction {

    @Parameters(paramLabel = "EXECUTION", description = "The execution's id, as 'job history' tells it.")
    String execution = "";

    JobRetryCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (!Dags.UUID_FORM.matcher(execution).matches()) {
            throw CommandFailure.usage(
                    "'" + execution + "' is no id of an execution", "'job history JOB --status failed' tells them");
        }
        var answer = client().post("/api/v1/executions/" + execution + "/retry", JsonObject.of(Map.of()));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            terminal().line(terminal().style().succeededMark() + " execution " + execution + " is tried again");
            terminal().remark("follow it with: " + commandLine("run watch " + execution));
        }
        return ExitCode.OK.code();
    }
}
