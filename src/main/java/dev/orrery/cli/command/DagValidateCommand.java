package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.client.JsonObject;
import dev.orrery.cli.text.TextWidth;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Checks DAG files without a node. */
@Command(
        name = "validate",
        description = {
            "Check DAG files, without a node: every problem at once, each with its place and its cure.",
            "The exit code is 4 if a file is not valid."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag validate hello.yaml",
            "  orrery dag validate dags/*.yaml --output json | jq -r '.[] | select(.valid | not).file'",
            "  generate-dag | orrery dag validate -"
        })
final class DagValidateCommand extends Action {

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "DAG files; '-' is standard input.")
    List<String> files = List.of();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            description = "text for people (the default), json for programs.")
    OutputForm output = OutputForm.TEXT;

    DagValidateCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var read = DagFile.readAll(context, files);
        if (output == OutputForm.JSON) {
            terminal().line(JsonObject.write(read.stream().map(DagFile::report).toList()));
        } else {
            read.forEach(this::show);
        }
        return (read.stream().allMatch(DagFile::isValid) ? ExitCode.OK : ExitCode.INVALID).code();
    }

    private void show(DagFile file) {
        if (file.isValid()) {
            var tasks = file.draft().tasks().size();
            terminal()
                    .line(terminal().style().succeededMark() + " " + TextWidth.clean(file.name()) + ": valid, " + tasks
                            + (tasks == 1 ? " task" : " tasks"));
        } else {
            terminal().out().print(file.problemText(terminal().style().colours()));
        }
    }
}
