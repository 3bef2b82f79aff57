package dev.orrery.cli.command;

import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import picocli.CommandLine.Command;

/** Keeps a queue from being claimed. */
@Command(
        name = "pause",
        description = "Pause a queue: nothing more of it is claimed until it is resumed; what runs goes on.",
        footer = {ServerAction.EXAMPLES, "  orrery queue pause reports"})
final class QueuePauseCommand extends QueueAction {

    QueuePauseCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        return done(client().post(path() + "/pause", JsonObject.of(Map.of())), "paused " + queue);
    }
}
