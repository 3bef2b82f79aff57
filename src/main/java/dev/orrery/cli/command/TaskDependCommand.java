package dev.orrery.cli.command;

import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lets a single task that has not begun wait for another one as well. */
@Command(
        name = "depend",
        description = "Let a single task that has not begun wait for another one as well.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery task depend 01980f6e-5a10-7000-8b2d-5f3180000001 --on 01980f6e-5a11-7000-8b2d-5f3180000001"
        })
final class TaskDependCommand extends TaskAction {

    @Option(names = "--on", paramLabel = "TASK", required = true, description = "The id of the task that it waits for.")
    String prerequisite = "";

    TaskDependCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        Tasks.path(prerequisite);
        var answer = client().post(path() + "/dependencies", JsonObject.of(Map.of("prerequisiteTaskId", prerequisite)));
        var state = answer.object().textOrEmpty("state");
        return done(answer, "the task is " + terminal().style().paint(StateColours.of(state), state));
    }
}
