package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Asks a run, or one task of it, to end. */
@Command(
        name = "cancel",
        description = {
            "Cancel a run, or one task of it.",
            "What has not started is cancelled at once; a running process gets SIGTERM, and SIGKILL after a grace."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery run cancel 01980f6e-5a10-7000-8b2d-5f3100000000",
            "  orrery run cancel latest --task extract"
        })
final class RunCancelCommand extends ServerAction {

    @Parameters(paramLabel = "RUN", description = "The run's id, 6 or more characters of its beginning, or 'latest'.")
    String run = "";

    @Option(names = "--task", paramLabel = "TASK", description = "Cancel only this task; its dependents are skipped.")
    @Nullable String task;

    RunCancelCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var id = new Runs(client).find(run);
        var path = "/api/v1/runs/" + id + (task == null ? "" : "/tasks/" + ApiClient.encode(task)) + "/cancel";
        client.post(path, JsonObject.of(Map.of()));
        if (isJson()) {
            var answer = task == null ? Map.of("runId", id) : Map.of("runId", id, "taskId", task);
            terminal().line(JsonObject.of(answer).toString());
        } else {
            terminal().line(told(id, client.get("/api/v1/runs/" + id).object().textOrEmpty("state")));
        }
        return ExitCode.OK.code();
    }

    private String told(String id, String state) {
        return switch (state) {
            case "succeeded", "failed" -> "nothing to cancel: the run had already " + state;
            case "cancelled" -> "the run is cancelled";
            default ->
                (task == null ? "the run is" : "task " + task + " is") + " asked to end; watch it with: "
                        + commandLine("run watch " + id);
        };
    }
}
