package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Ends a job for good, and keeps what it did. */
@Command(
        name = "cancel",
        description = {
            "Cancel a job: it never fires again. Its history stays; 'job delete' takes that too.",
            "What runs goes on to its end, unless --running is given."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery job cancel morning-report",
            "  orrery job cancel morning-report --running"
        })
final class JobCancelCommand extends JobAction {

    @Option(names = "--running", description = "Cancel its executions that have not ended, too.")
    boolean running;

    JobCancelCommand(Context context) {
        super(context);
    }

    @Override
    int about(ApiClient client, JsonObject found) {
        var answer = client.post(
                Jobs.path(found) + "/cancel?running=" + (running ? "cancel" : "keep"), JsonObject.of(Map.of()));
        return done(
                answer,
                "cancelled " + TextWidth.clean(found.textOrEmpty("name")),
                "what it did: " + commandLine("job history " + ShellWord.of(job)));
    }
}
