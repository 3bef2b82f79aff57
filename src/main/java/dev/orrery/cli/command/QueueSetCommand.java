package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Weighs and limits a queue. */
@Command(
        name = "set",
        description = {
            "Weigh and limit a queue. What is left out is not limited, and the weight is 1.",
            "Tasks that run already count, and go on."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery queue set reports --weight 3",
            "  orrery queue set mail --max-running 20 --rate 100/1m",
            "  orrery queue set mail --reset"
        })
final class QueueSetCommand extends QueueAction {

    @Option(names = "--weight", paramLabel = "N", description = "Its share of a node's room, 1 to 1000 (default: 1).")
    int weight = 1;

    @Option(names = "--max-running", paramLabel = "N", description = "How many of its tasks may be claimed at a time.")
    @Nullable Integer maxRunning;

    @Option(names = "--rate", paramLabel = "N/TIME", description = "How many may begin in which time, as 100/1m.")
    @Nullable String rate;

    @Option(names = "--reset", description = "Forget all that was set; a paused queue goes on.")
    boolean reset;

    QueueSetCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        if (reset) {
            if (weight != 1 || maxRunning != null || rate != null) {
                throw CommandFailure.usage("--reset forgets all that is set", "leave the other options out");
            }
            client().delete(path());
            if (!isJson()) {
                terminal().line(terminal().style().succeededMark() + " forgot what was set for " + queue);
            }
            return ExitCode.OK.code();
        }
        var body = QueueTexts.body(maxRunning, rate);
        body.put("weight", weight);
        return done(client().put(path(), JsonObject.of(body), Map.of()), "set " + queue);
    }
}
