package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import picocli.CommandLine.Command;

/** Keeps a job from firing by itself. */
@Command(
        name = "pause",
        description = {
            "Pause a job: it fires nothing by itself until it is resumed.",
            "What runs goes on, and 'job trigger' still fires it."
        },
        footer = {ServerAction.EXAMPLES, "  orrery job pause morning-report"})
final class JobPauseCommand extends JobAction {

    JobPauseCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        var answer = client.post(Jobs.path(found) + "/pause", JsonObject.of(Map.of()));
        return done(
                answer,
                "paused " + TextWidth.clean(found.textOrEmpty("name")),
                "'" + commandLine("job resume " + ShellWord.of(job)) + "' lets it fire again");
    }
}
