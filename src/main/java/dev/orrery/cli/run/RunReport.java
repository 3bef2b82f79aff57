package dev.orrery.cli.run;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.Style;
import dev.orrery.cli.text.Table;
import dev.orrery.cli.text.Terminal;
import dev.orrery.cli.text.TextWidth;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/** Tells how a run stands or ended: in one line, with what went wrong, and task by task. */
public final class RunReport {

    private static final int LOG_LINES = 20;
    private static final int TABLE_ROWS = 200;

    /** What nodes call the DAG of a job that is no workflow: by its handler and a digest of what it does. */
    private static final Pattern DAG_OF_A_JOB = Pattern.compile("job .+ [0-9a-f]{24}");

    private final ApiClient client;
    private final Terminal terminal;
    private final UnaryOperator<String> commandLine;

    /** {@code commandLine} makes a command that can be copied of its arguments. */
    public RunReport(ApiClient client, Terminal terminal, UnaryOperator<String> commandLine) {
        this.client = client;
        this.terminal = terminal;
        this.commandLine = commandLine;
    }

    /** One line: which run, how it stands, how many tasks stand how. */
    public void verdict(JsonObject run, Instant now) {
        var state = run.textOrEmpty("state");
        var style = terminal.style();
        var mark = switch (state) {
            case "succeeded" -> style.succeededMark() + " ";
            case "failed", "cancelled" -> style.failedMark() + " ";
            default -> "";
        };
        var took = duration(run, now).map(HumanTime::of).map(text -> (ended(run) ? " in " : " for ") + text);
        terminal.line(mark + TextWidth.clean(run.textOrEmpty("dagName")) + " "
                + style.paint(StateColours.of(state), state) + took.orElse("") + " (" + counts(run, style) + ")");
    }

    private static boolean ended(JsonObject run) {
        return run.time("completedAt").isPresent();
    }

    private static Optional<Duration> duration(JsonObject run, Instant now) {
        return run.time("createdAt")
                .map(created ->
                        Duration.between(created, run.time("completedAt").orElse(now)))
                .map(passed -> passed.isNegative() ? Duration.ZERO : passed);
    }

    private static String counts(JsonObject run, Style style) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        var tasks = run.objects("tasks");
        tasks.forEach(task -> counts.merge(task.textOrEmpty("state"), 1, Integer::sum));
        var text = tasks.size() + (tasks.size() == 1 ? " task" : " tasks");
        if (counts.size() == 1) {
            return text + ", " + (tasks.size() == 1 ? "" : "all ")
                    + named(counts.keySet().iterator().next());
        }
        var parts = new ArrayList<String>();
        counts.forEach((state, count) -> parts.add(style.paint(StateColours.of(state), count + " " + named(state))));
        return text + ": " + String.join(style.separator(), parts);
    }

    private static String named(String state) {
        return state.replace('_', ' ');
    }

    /** The task that failed first, and the end of its log; nothing where none failed. */
    public void failure(JsonObject run) {
        firstFailed(run).ifPresent(task -> failure(run.textOrEmpty("runId"), task));
    }

    /** What to do about the task that failed first; nothing where none failed. */
    public void next(JsonObject run) {
        firstFailed(run).ifPresent(task -> {
            var logs = "run logs " + run.textOrEmpty("runId") + " " + ShellWord.of(task.textOrEmpty("taskId"));
            terminal.line("next: " + commandLine.apply(logs));
            terminal.line("      " + commandLine.apply(again(run)));
        });
    }

    /** An execution of a job has a DAG of its own, which nobody can trigger. */
    private static String again(JsonObject run) {
        var dag = run.textOrEmpty("dagName");
        return DAG_OF_A_JOB.matcher(dag).matches()
                ? "job retry " + run.textOrEmpty("runId")
                : "dag trigger " + ShellWord.of(dag) + " --follow";
    }

    private static Optional<JsonObject> firstFailed(JsonObject run) {
        return run.objects("tasks").stream()
                .filter(task -> isFailure(task.textOrEmpty("state")))
                .min(Comparator.comparing(task -> task.time("completedAt").orElse(Instant.MAX)));
    }

    private static boolean isFailure(String state) {
        return state.equals("failed") || state.equals("timed_out");
    }

    private void failure(String runId, JsonObject task) {
        var style = terminal.style();
        var id = task.textOrEmpty("taskId");
        var attempts = task.integer("attempt");
        terminal.line(style.failedMark() + " task " + style.paint(Colour.BOLD, TextWidth.clean(id)) + " "
                + named(task.textOrEmpty("state"))
                + (attempts > 1 ? " after " + attempts + " attempts" : "")
                + task.text("error").map(error -> ": " + TextWidth.clean(error)).orElse(""));
        logEnd(runId, id);
    }

    private void logEnd(String runId, String taskId) {
        var lines = lastLines(runId, taskId);
        if (lines.isEmpty()) {
            terminal.line("  (it printed nothing)");
            return;
        }
        var bar = terminal.style().paint(Colour.DIM, terminal.style().unicode() ? "  │ " : "  | ");
        lines.forEach(line -> terminal.line(bar + TextWidth.clean(line)));
    }

    /** The last lines of the newest attempt's log. */
    public List<String> lastLines(String runId, String taskId) {
        try {
            var text = client.get("/api/v1/runs/" + runId + "/tasks/" + ApiClient.encode(taskId) + "/logs")
                    .body();
            var lines = text.lines().toList();
            return lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size());
        } catch (CommandFailure withoutLog) {
            // What is known of the run must be shown even if its log cannot be read.
            return List.of("(its log cannot be read: " + withoutLog.getMessage() + ")");
        }
    }

    /** The facts about a run, and a row for each task. */
    public void table(JsonObject run, Instant now) {
        terminal.line("run      " + run.textOrEmpty("runId"));
        terminal.line(
                "dag      " + TextWidth.clean(run.textOrEmpty("dagName")) + " version " + run.integer("dagVersion"));
        terminal.line("created  "
                + run.time("createdAt")
                        .map(at -> HumanTime.ago(at, now) + " by ")
                        .orElse("by ") + run.textOrEmpty("triggeredBy")
                + run.time("logicalTime").map(at -> ", for " + at).orElse(""));
        run.json("params")
                .filter(params -> !params.equals("{}"))
                .ifPresent(params -> terminal.line("params   " + TextWidth.clean(params)));
        terminal.line("");
        var table = Table.of("TASK", "STATE", "ATTEMPT#", "TOOK", "ERROR");
        var tasks = run.objects("tasks");
        for (var task : tasks.subList(0, Math.min(tasks.size(), TABLE_ROWS))) {
            var state = task.textOrEmpty("state");
            table.row(
                    cell(task.textOrEmpty("taskId")),
                    cell(named(state), StateColours.of(state)),
                    cell(task.integer("attempt") == 0 ? "-" : Integer.toString(task.integer("attempt"))),
                    cell(RunTimes.took(task, now).map(HumanTime::of).orElse("-")),
                    cell(task.textOrEmpty("error")));
        }
        terminal.table(table);
        if (tasks.size() > TABLE_ROWS) {
            terminal.remark("and " + (tasks.size() - TABLE_ROWS) + " more tasks; '--output json' has them all");
        }
    }
}
