package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Limits the tasks of a key. */
@Command(
        name = "set",
        description = {
            "Limit the tasks that have the same key, or each key that begins so where it ends in *.",
            "What is left out is not limited."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery limit set customer-7 --max-running 5",
            "  orrery limit set 'customer-*' --max-running 2 --rate 10/1m"
        })
final class LimitSetCommand extends ServerAction {

    @Parameters(paramLabel = "KEY", description = "The key, or the beginning of several with * behind it.")
    String key = "";

    @Option(names = "--max-running", paramLabel = "N", description = "How many of its tasks may be claimed at a time.")
    @Nullable Integer maxRunning;

    @Option(names = "--rate", paramLabel = "N/TIME", description = "How many may begin in which time, as 10/1m.")
    @Nullable String rate;

    LimitSetCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var answer = client().put(
                        "/api/v1/limits/" + ApiClient.encode(key),
                        JsonObject.of(QueueTexts.body(maxRunning, rate)),
                        Map.of());
        if (isJson()) {
            terminal().line(answer.body());
        } else {
            terminal()
                    .line(terminal().style().succeededMark() + " set " + TextWidth.clean(key) + ": max running "
                            + QueueTexts.most(answer.object()) + ", rate " + QueueTexts.rate(answer.object()));
        }
        return ExitCode.OK.code();
    }
}
