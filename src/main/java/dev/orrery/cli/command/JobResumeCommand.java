package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import picocli.CommandLine.Command;

/** Lets a paused job fire again. */
@Command(
        name = "resume",
        description = {
            "Resume a job: it fires by itself again.",
            "What becomes of the times that passed meanwhile is up to its misfire policy."
        },
        footer = {ServerAction.EXAMPLES, "  orrery job resume morning-report"})
final class JobResumeCommand extends JobAction {

    JobResumeCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        var answer = client.post(Jobs.path(found) + "/resume", JsonObject.of(Map.of()));
        return done(
                answer,
                "resumed " + TextWidth.clean(found.textOrEmpty("name")),
                "'" + commandLine("job next " + ShellWord.of(job)) + "' tells when it fires");
    }
}
