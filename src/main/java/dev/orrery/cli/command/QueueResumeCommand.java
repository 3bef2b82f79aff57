package dev.orrery.cli.command;

import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Command;

/** Lets a paused queue go on. */
@Command(
        name = "resume",
        description = "Let a paused queue go on.",
        footer = {ServerAction.EXAMPLES, "  orrery queue resume reports"})
final class QueueResumeCommand extends QueueAction {

    QueueResumeCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        return done(client().post(path() + "/resume", JsonObject.of(Map.of())), "resumed " + queue);
    }
}
