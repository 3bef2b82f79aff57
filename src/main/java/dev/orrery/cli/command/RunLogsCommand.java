package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.LogFollower;
import dev.orrery.cli.text.Colour;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints what tasks printed. */
@Command(
        name = "logs",
        description = "Print what a task printed; without a task, what all tasks of the run printed.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery run logs latest",
            "  orrery run logs latest extract --follow",
            "  orrery run logs 01980f6e-5a10-7000-8b2d-5f3100000000 extract --attempt 1 --tail 50"
        })
final class RunLogsCommand extends ServerAction {

    @Parameters(
            index = "0",
            paramLabel = "RUN",
            description = "The run's id, 6 or more characters of its beginning, or 'latest'.")
    String run = Runs.LATEST;

    @Parameters(index = "1", arity = "0..1", paramLabel = "TASK", description = "The task's id in its DAG.")
    @Nullable String task;

    @Option(names = "--attempt", paramLabel = "N", description = "Which attempt; the newest one if not given.")
    int attempt;

    @Option(names = "--tail", paramLabel = "N", description = "Only the last N lines of each log.")
    int tail;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on until the task has come to its end, over all attempts that follow.")
    boolean follow;

    RunLogsCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var id = new Runs(client).find(run);
        var tasks = task == null ? tasksOf(client, id) : List.of(task);
        if (follow) {
            if (tasks.size() != 1) {
                throw CommandFailure.usage(
                        "--follow needs a task: the run has " + tasks.size(),
                        "add one of: " + String.join(", ", tasks.subList(0, Math.min(10, tasks.size()))));
            }
            new LogFollower(client, terminal(), isJson()).follow(id, tasks.getFirst(), attempt);
            return ExitCode.OK.code();
        }
        for (var one : tasks) {
            print(client, id, one, tasks.size() > 1);
        }
        return ExitCode.OK.code();
    }

    private static List<String> tasksOf(ApiClient client, String runId) {
        return client.get("/api/v1/runs/" + runId).object().objects("tasks").stream()
                .map(each -> each.textOrEmpty("taskId"))
                .toList();
    }

    private void print(ApiClient client, String runId, String taskId, boolean oneOfMany) {
        var path = "/api/v1/runs/" + runId + "/tasks/" + ApiClient.encode(taskId) + "/logs";
        var text = lastLines(
                client.get(attempt > 0 ? path + "?attempt=" + attempt : path).body());
        if (isJson()) {
            var fields = new LinkedHashMap<String, String>();
            fields.put("runId", runId);
            fields.put("taskId", taskId);
            fields.put("text", text);
            terminal().line(JsonObject.of(fields).toString());
            return;
        }
        if (oneOfMany) {
            terminal().line(terminal().style().paint(Colour.BOLD, "==> " + taskId + " <=="));
        }
        terminal().out().print(text);
        if (!text.isEmpty() && !text.endsWith("\n")) {
            terminal().line("");
        }
    }

    private String lastLines(String text) {
        if (tail <= 0) {
            return text;
        }
        var lines = text.lines().toList();
        var last = lines.subList(Math.max(0, lines.size() - tail), lines.size());
        return last.isEmpty() ? "" : String.join("\n", last) + "\n";
    }
}
