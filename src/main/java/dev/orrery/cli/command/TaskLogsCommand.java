package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.LogFollower;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Prints what a single task printed. */
@Command(
        name = "logs",
        description = "Print what a single task printed.",
        footer = {ServerAction.EXAMPLES, "  orrery task logs 01980f6e-5a10-7000-8b2d-5f3180000001 --follow"})
final class TaskLogsCommand extends TaskAction {

    @Option(names = "--attempt", paramLabel = "N", description = "Which attempt; the newest one if not given.")
    int attempt;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on until the task has come to its end, over all attempts that follow.")
    boolean follow;

    TaskLogsCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var path = path();
        if (follow) {
            new LogFollower(client, terminal(), isJson()).follow(path, attempt);
            return ExitCode.OK.code();
        }
        var text = client.get(path + "/logs" + (attempt > 0 ? "?attempt=" + attempt : ""))
                .body();
        if (isJson()) {
            terminal().line(JsonObject.of(Map.of("taskId", task, "text", text)).toString());
            return ExitCode.OK.code();
        }
        terminal().out().print(text);
        if (!text.isEmpty() && !text.endsWith("\n")) {
            terminal().line("");
        }
        return ExitCode.OK.code();
    }
}
