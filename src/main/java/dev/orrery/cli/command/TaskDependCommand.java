package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Lets a single task that has not begun wait for another one as well. */
@Command(
        name = "depend",
        description = "Let a single task that has not begun wait for another one as well.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery task depend 01980f6e-5a10-7000-8b2d-5f3180000001 --on 01980f6e-5a11-7000-8b2d-5f3180000001"
        })
final class TaskDependCommand extends ServerAction {

    @Parameters(paramLabel = "TASK", description = "The task's id.")
    String task = "";

    @Option(names = "--on", paramLabel = "TASK", required = true, description = "The id of the task that it waits for.")
    String prerequisite = "";

    TaskDependCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        Tasks.path(prerequisite);
        var answer = client().post(
                        Tasks.path(task) + "/dependencies", JsonObject.of(Map.of("prerequisiteTaskId", prerequisite)));
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            var state = answer.object().textOrEmpty("state");
            terminal().line("the task is " + terminal().style().paint(StateColours.of(state), state));
        }
        return ExitCode.OK.code();
    }
}
