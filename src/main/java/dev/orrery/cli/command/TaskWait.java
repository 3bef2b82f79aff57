package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.TextWidth;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Waits for single tasks to end, and tells how they did. */
final class TaskWait {

    private static final long FIRST_PAUSE_MILLIS = 50;
    private static final long LONGEST_PAUSE_MILLIS = 1_000;
    private static final int ASKED_AT_ONCE = 20;

    private final Context context;
    private final ApiClient client;
    private final boolean json;

    TaskWait(Context context, ApiClient client, boolean json) {
        this.context = context;
        this.client = client;
        this.json = json;
    }

    /** Tells what became of the task; the exit code whether it completed. */
    int untilItEnds(String id) {
        context.interrupts().endAfter(() -> context.terminal().remark("the task goes on: " + id));
        var task = ended(id);
        var state = task.textOrEmpty("state");
        if (json) {
            context.terminal().line(task.toString());
        } else {
            var terminal = context.terminal();
            terminal.line(TextWidth.clean(task.textOrEmpty("name")) + " "
                    + terminal.style().paint(StateColours.of(state), state) + ": task " + id);
            task.text("error").ifPresent(error -> terminal.line(TextWidth.clean(error)));
            task.json("result").ifPresent(terminal::line);
        }
        return code(state.equals("completed"));
    }

    /**
     * Tells how many ended how; the exit code whether all completed. Asks for whole submissions, and only for so many at a time,
     * so that neither many tasks nor many batches burden the node.
     */
    int untilAllEnd(List<String> ids) {
        context.interrupts().endAfter(() -> context.terminal().remark("the tasks go on"));
        var open = SubmittedTogether.of(ids);
        var all = open.stream().mapToInt(SubmittedTogether::size).sum();
        var ended = new ArrayList<SubmittedTogether>();
        var progress = new ProgressLine(context.terminal(), json);
        var pause = FIRST_PAUSE_MILLIS;
        while (!open.isEmpty()) {
            for (var n = Math.min(ASKED_AT_ONCE, open.size()); n > 0; n--) {
                var next = open.removeFirst();
                next.look(client).forEach(part -> (part.hasEnded() ? ended : open).add(part));
            }
            progress.show(
                    endedOf(ended) + endedOf(open), all, endedOf(ended) + endedOf(open) + " of " + all + " ended");
            if (!open.isEmpty()) {
                pause(pause);
                pause = Math.min(LONGEST_PAUSE_MILLIS, pause * 2);
            }
        }
        progress.clear();
        var counts = new TreeMap<String, Integer>();
        ended.forEach(part -> part.states().forEach((state, count) -> counts.merge(state, count, Integer::sum)));
        if (!json) {
            counts.forEach((state, count) -> context.terminal().line(state + " " + count));
        }
        return code(counts.getOrDefault("completed", 0) == all);
    }

    private static int endedOf(Collection<SubmittedTogether> parts) {
        return parts.stream().mapToInt(SubmittedTogether::ended).sum();
    }

    private JsonObject ended(String id) {
        var pause = FIRST_PAUSE_MILLIS;
        while (true) {
            var task = client.get(Tasks.path(id)).object();
            if (Tasks.hasEnded(task)) {
                return task;
            }
            pause(pause);
            pause = Math.min(LONGEST_PAUSE_MILLIS, pause * 2);
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw CommandFailure.other("interrupted", Optional.empty());
        }
    }

    private static int code(boolean isGood) {
        return (isGood ? ExitCode.OK : ExitCode.FAILED).code();
    }
}
