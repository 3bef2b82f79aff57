package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Changes how urgent a single task is. */
@Command(
        name = "set",
        description = {
            "Change how urgent a single task is that has not ended. What is left out stays as it is.",
            "What it waits for becomes as urgent as that at once."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery task set 01980f6e-5a10-7000-8b2d-5f3180000001 --priority 9",
            "  orrery task set 01980f6e-5a10-7000-8b2d-5f3180000001 --deadline 2026-12-24T18:00Z",
            "  orrery task set 01980f6e-5a10-7000-8b2d-5f3180000001 --deadline none"
        })
final class TaskSetCommand extends TaskAction {

    private static final String NO_DEADLINE = "none";

    @Option(names = "--priority", paramLabel = "N", description = "How important it is, 0 to 10.")
    @Nullable Integer priority;

    @Option(names = "--deadline", paramLabel = "TIME", description = "When it shall have ended; none for no such time.")
    @Nullable String deadline;

    TaskSetCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var path = path();
        var changes = changes();
        if (changes.isEmpty()) {
            throw CommandFailure.usage(
                    "it is not said what to change", "give --priority, --deadline or both, such as --priority 9");
        }
        try {
            var answer = client().patch(path, JsonObject.of(changes));
            return done(answer, told(answer.object()));
        } catch (CommandFailure refused) {
            throw refused.byPaths();
        }
    }

    private Map<String, @Nullable Object> changes() {
        var changes = new LinkedHashMap<String, @Nullable Object>();
        if (priority != null) {
            changes.put("priority", priority);
        }
        if (deadline != null) {
            var isTaken = deadline.equals(NO_DEADLINE);
            changes.put("deadline", isTaken ? null : JobTexts.time("--deadline", deadline, ZoneOffset.UTC));
        }
        return changes;
    }

    private String told(JsonObject task) {
        var state = task.textOrEmpty("state");
        return "the task is " + terminal().style().paint(StateColours.of(state), state) + ", of priority "
                + task.integer("priority")
                + task.time("deadline")
                        .map(at -> ", to end by " + JobTexts.utc(at))
                        .orElse(", without a deadline");
    }
}
