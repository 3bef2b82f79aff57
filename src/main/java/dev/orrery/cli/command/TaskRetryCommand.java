package dev.orrery.cli.command;

import picocli.CommandLine.Command;

/** Tries a single task again. */
@Command(
        name = "retry",
        description = {
            "Try a single task again that has failed or was cancelled.",
            "What was cancelled because it did not succeed waits for it again."
        },
        footer = {ServerAction.EXAMPLES, "  orrery task retry 01980f6e-5a10-7000-8b2d-5f3180000001"})
final class TaskRetryCommand extends TaskAction {

    TaskRetryCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = ask("retry");
        return done(answer, "the task is " + answer.object().textOrEmpty("state"));
    }
}
