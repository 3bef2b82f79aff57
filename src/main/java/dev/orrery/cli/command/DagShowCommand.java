package dev.orrery.cli.command;

import static dev.orrery.cli.text.Table.cell;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.run.RunTimes;
import dev.orrery.cli.run.StateColours;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.ShellWord;
import dev.orrery.cli.text.Table;
import dev.orrery.cli.text.TextWidth;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows a DAG: its facts, its tasks, its newest runs; or the text of its file. */
@Command(
        name = "show",
        description = "Show a DAG with its tasks and newest runs, or the file it was published from.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag show nightly-report",
            "  orrery dag show nightly-report --yaml > nightly-report.yaml",
            "  orrery dag show nightly-report --yaml --version 2"
        })
final class DagShowCommand extends ServerAction {

    private static final int RUNS_SHOWN = 5;

    @Parameters(paramLabel = "DAG", description = "The DAG's name or id.")
    String dag = "";

    @Option(names = "--version", paramLabel = "N", description = "Which version; the newest one if not given.")
    int version;

    @Option(names = "--yaml", description = "Print only the file as it was published.")
    boolean yaml;

    DagShowCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var client = client();
        var found = new Dags(client).find(dag);
        var path = "/api/v1/dags/" + found.textOrEmpty("id");
        var definition = client.get(path + "/definition" + (version > 0 ? "?version=" + version : ""));
        if (yaml) {
            terminal().out().print(definition.object().textOrEmpty("yaml"));
            terminal().out().flush();
        } else if (isJson()) {
            terminal().line(definition.body());
        } else {
            show(found, definition.object());
            showRuns(client, path);
        }
        return ExitCode.OK.code();
    }

    private void show(JsonObject found, JsonObject definition) {
        var content = definition.object("definition").orElse(definition);
        terminal().line("dag          " + TextWidth.clean(found.textOrEmpty("name")));
        terminal().line("id           " + found.textOrEmpty("id"));
        content.text("description").ifPresent(text -> terminal().line("description  " + TextWidth.clean(text)));
        terminal()
                .line("version      " + definition.integer("version") + " of " + found.integer("version")
                        + definition
                                .time("createdAt")
                                .map(at -> ", published "
                                        + HumanTime.ago(at, context.clock().instant()))
                                .orElse(""));
        terminal().line("state        " + (found.flag("active").orElse(true) ? "active" : "paused"));
        found.text("schedule")
                .ifPresent(schedule -> terminal()
                        .line("schedule     " + TextWidth.clean(schedule) + " ("
                                + TextWidth.clean(found.textOrEmpty("timezone")) + ")"));
        found.time("nextRun").ifPresent(at -> terminal().line("next run     " + at));
        terminal().line("");
        var table = Table.of("TASK", "TYPE", "PRIORITY#", "QUEUE", "AFTER");
        for (var task : content.objects("tasks")) {
            table.row(
                    cell(task.textOrEmpty("id")),
                    cell(task.textOrEmpty("type")),
                    cell(Integer.toString(task.integer("priority"))),
                    cell(task.textOrEmpty("queue")),
                    cell(String.join(", ", task.texts("dependencies"))));
        }
        terminal().table(table);
    }

    private void showRuns(ApiClient client, String path) {
        List<JsonObject> runs = client.get(path + "/runs?limit=" + RUNS_SHOWN).list();
        terminal().line("");
        if (runs.isEmpty()) {
            terminal()
                    .line("no runs yet; start one with: "
                            + commandLine("dag trigger " + ShellWord.of(dag) + " --follow"));
            return;
        }
        var now = context.clock().instant();
        var table = Table.of("RUN", "STATE", "CREATED", "TOOK");
        for (var run : runs) {
            var state = run.textOrEmpty("state");
            table.row(
                    cell(run.textOrEmpty("runId")),
                    cell(state, StateColours.of(state)),
                    cell(run.time("createdAt").map(at -> HumanTime.ago(at, now)).orElse("-")),
                    cell(RunTimes.took(run, now).map(HumanTime::of).orElse("-")));
        }
        terminal().table(table);
    }
}
