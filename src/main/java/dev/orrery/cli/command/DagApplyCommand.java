package dev.orrery.cli.command;

import dev.orrery.cli.client.ApiClient;
import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Publishes DAG files. */
@Command(
        name = "apply",
        description = {
            "Publish DAG files: a DAG that the node does not know is created, one that it knows gets a new version.",
            "All files are checked before the first is sent; an unchanged file changes nothing."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag apply hello.yaml",
            "  orrery dag apply dags/*.yaml --dry-run",
            "  orrery dag apply dags/*.yaml --output json | jq -r '.[] | .name + \" \" + .result'"
        })
final class DagApplyCommand extends ServerAction {

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "DAG files; '-' is standard input.")
    List<String> files = List.of();

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "What to call the DAG, whatever its file says; for one file.")
    @Nullable String name;

    @Option(names = "--dry-run", description = "Only show, task by task, what would change.")
    boolean dryRun;

    DagApplyCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var read = DagFile.readAll(context, files);
        var complaint = DagFile.complain(context, read, isJson());
        if (complaint != ExitCode.OK.code()) {
            return complaint;
        }
        var names = names(read);
        var client = client();
        var results = new ArrayList<JsonObject>();
        for (var n = 0; n < read.size(); n++) {
            var file = read.get(n);
            results.add(dryRun ? preview(client, file, names.get(n)) : publish(client, file, names.get(n)));
        }
        if (isJson()) {
            terminal().line(JsonObject.write(results));
        }
        return ExitCode.OK.code();
    }

    /** The name under which each file is published; every file must have one, and no two the same. */
    private List<String> names(List<DagFile> read) {
        if (name != null && read.size() > 1) {
            throw CommandFailure.usage("--name goes with one file only", "write 'name:' into each of the files");
        }
        var names = new ArrayList<String>();
        Map<String, String> fileOf = new HashMap<>();
        for (var file : read) {
            var known = name != null
                    ? name
                    : file.draft()
                            .name()
                            .orElseThrow(() -> CommandFailure.invalid(
                                    file.name() + " does not say what its DAG is called",
                                    "add 'name: …' to it, or use --name"));
            var other = fileOf.put(known, file.name());
            if (other != null) {
                throw CommandFailure.invalid(
                        other + " and " + file.name() + " are both called '" + known + "'",
                        "give one of them another name");
            }
            names.add(known);
        }
        return names;
    }

    private JsonObject preview(ApiClient client, DagFile file, String dagName) {
        var preview = new DryRun(client).of(file, dagName);
        if (!isJson()) {
            DryRun.show(preview, dagName, file.draft().tasks().size(), terminal());
        }
        return DryRun.report(preview, dagName, file.name());
    }

    private JsonObject publish(ApiClient client, DagFile file, String dagName) {
        var published = new Publishing(client).publish(dagName, file.text());
        var dag = published.dag();
        var result = published.result().toString();
        if (!isJson()) {
            var tasks = dag.integer("taskCount");
            terminal()
                    .line(terminal().style().succeededMark() + " " + result + " " + TextWidth.clean(dagName)
                            + " version " + dag.integer("version") + " (" + tasks
                            + (tasks == 1 ? " task)" : " tasks)"));
            file.draft().schedule().ifPresent(schedule -> remarkOnSchedule(schedule, dag));
        }
        return dag.withFirst("result", result).withFirst("file", file.name());
    }

    private void remarkOnSchedule(String schedule, JsonObject dag) {
        terminal()
                .remark("schedule '" + TextWidth.clean(schedule) + "': "
                        + dag.time("nextRun")
                                .map(at -> "next run at " + at)
                                .orElse("the DAG is paused, so it starts nothing until it is resumed"));
    }
}
