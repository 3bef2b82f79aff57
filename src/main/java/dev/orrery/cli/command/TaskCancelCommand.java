package dev.orrery.cli.command;

import picocli.CommandLine.Command;

/** Asks a single task to end. */
@Command(
        name = "cancel",
        description = {
            "Cancel a single task with its children, and theirs, and all that waits for any of these.",
            "What has not begun is cancelled at once; a running process gets SIGTERM, and SIGKILL after a grace."
        },
        footer = {ServerAction.EXAMPLES, "  orrery task cancel 01980f6e-5a10-7000-8b2d-5f3180000001"})
final class TaskCancelCommand extends TaskAction {

    TaskCancelCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = ask("cancel");
        return done(answer, told(answer.object().textOrEmpty("state")));
    }

    private static String told(String state) {
        return switch (state) {
            case "completed", "failed" -> "the task had already " + state + "; its children are cancelled";
            case "cancelled" -> "the task is cancelled";
            default -> "the task is asked to end";
        };
    }
}
