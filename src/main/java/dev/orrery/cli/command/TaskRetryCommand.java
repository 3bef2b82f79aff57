package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Tries a single task again. */
@Command(
        name = "retry",
        description = {
            "Try a single task again that has failed or was cancelled.",
            "What was cancelled because it did not succeed waits for it again."
        },
        footer = {ServerAction.EXAMPLES, "  orrery task retry 01980f6e-5a10-7000-8b2d-5f3180000001"})
final class TaskRetryCommand extends ServerAction {

    @Parameters(paramLabel = "TASK", description = "The task's id.")
    String task = "";

    TaskRetryCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().post(Tasks.path(task) + "/retry", JsonObject.of(Map.of()));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            terminal().line(told(answer.object().textOrEmpty("state")));
        }
        return ExitCode.OK.code();
    }

    private static String told(String state) {
        return "the task is " + state;
    }
}
