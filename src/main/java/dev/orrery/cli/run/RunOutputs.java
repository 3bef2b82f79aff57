package dev.orrery.cli.run;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Terminal;
import dev.orrery.cli.text.TextWidth;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Shows what the tasks of a run that has ended printed and handed on. */
public final class RunOutputs {

    private static final int TASKS_SHOWN = 20;
    private static final int LINES_SHOWN = 10;
    private static final int OUTPUTS_TOLD = 1_000;

    private final ApiClient client;
    private final Terminal terminal;

    public RunOutputs(ApiClient client, Terminal terminal) {
        this.client = client;
        this.terminal = terminal;
    }

    /** Task by task: its state, the end of what it printed, its output. Of a large run, the last tasks of the file. */
    public void asText(JsonObject run) {
        var tasks = run.objects("tasks");
        var hidden = Math.max(0, tasks.size() - TASKS_SHOWN);
        if (hidden > 0) {
            terminal.line("(of " + tasks.size() + " tasks, the last " + TASKS_SHOWN + ")");
        }
        for (var task : tasks.subList(hidden, tasks.size())) {
            show(run.textOrEmpty("runId"), task);
        }
        terminal.line("");
    }

    private void show(String runId, JsonObject task) {
        var style = terminal.style();
        var id = task.textOrEmpty("taskId");
        var state = task.textOrEmpty("state");
        var took = RunTimes.took(task, Instant.now())
                .map(time -> " " + HumanTime.of(time))
                .orElse("");
        terminal.line(style.paint(Colour.BOLD, TextWidth.clean(id)) + " "
                + style.paint(StateColours.of(state), state.replace('_', ' ')) + style.paint(Colour.DIM, took));
        if (task.integer("attempt") == 0) {
            return;
        }
        var bar = style.paint(Colour.DIM, style.unicode() ? "  │ " : "  | ");
        printed(runId, id).forEach(line -> terminal.line(bar + TextWidth.clean(line)));
        task(runId, id).json("output").ifPresent(output -> terminal.line("  output " + TextWidth.clean(output)));
    }

    private JsonObject task(String runId, String taskId) {
        return client.get(path(runId, taskId)).object();
    }

    private static String path(String runId, String taskId) {
        return "/api/v1/runs/" + runId + "/tasks/" + ApiClient.encode(taskId);
    }

    private List<String> printed(String runId, String taskId) {
        // What a task hands on through its log is shown as its output.
        var lines = client.get(path(runId, taskId) + "/logs")
                .body()
                .lines()
                .filter(line -> !line.startsWith("::output "))
                .toList();
        if (lines.size() <= LINES_SHOWN) {
            return lines;
        }
        var last = new ArrayList<String>();
        last.add("(" + (lines.size() - LINES_SHOWN) + " lines before)");
        last.addAll(lines.subList(lines.size() - LINES_SHOWN, lines.size()));
        return last;
    }

    /** One line for each task that handed something on: {@code {"event":"output","taskId":…,"output":…}}. */
    public void asJson(JsonObject run) {
        var tasks = run.objects("tasks");
        if (tasks.size() > OUTPUTS_TOLD) {
            terminal.remark("the outputs of the first " + OUTPUTS_TOLD + " of " + tasks.size() + " tasks are told");
        }
        for (var task : tasks.subList(0, Math.min(tasks.size(), OUTPUTS_TOLD))) {
            var id = task.textOrEmpty("taskId");
            if (task.textOrEmpty("state").equals("succeeded")) {
                tell(id, task(run.textOrEmpty("runId"), id).value("output"));
            }
        }
    }

    private void tell(String taskId, @Nullable Object output) {
        if (output != null) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("event", "output");
            fields.put("taskId", taskId);
            fields.put("output", output);
            terminal.line(JsonObject.of(fields).toString());
        }
    }
}
