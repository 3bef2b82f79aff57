package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import picocli.CommandLine.Command;

/** Shows a queue. */
@Command(
        name = "show",
        description = "Show what is set for a queue.",
        footer = {ServerAction.EXAMPLES, "  orrery queue show default"})
final class QueueShowCommand extends QueueAction {

    QueueShowCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().get(path());
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            show(answer.object());
        }
        return ExitCode.OK.code();
    }
}
