package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs DAG files once on a node of their own, and leaves nothing behind. */
@Command(
        name = "try",
        description = {
            "Run DAG files once, on a node that is started for it and removed afterwards with all its data.",
            "Follows each run, prints what its tasks printed and handed on, and ends with the run's status: 0, or 1 if one failed."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery try hello.yaml",
            "  orrery dag new hello | orrery try -",
            "  orrery try extract.yaml load.yaml --set workers.size=8"
        })
final class TryCommand extends Action {

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "DAG files; '-' is standard input.")
    List<String> files = List.of();

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting of the node, such as workers.size=8; may be repeated.")
    List<String> settings = List.of();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORM",
            description = "text for people (the default), json for programs: each event as a line.")
    OutputForm output = OutputForm.TEXT;

    TryCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var json = output == OutputForm.JSON;
        var read = DagFile.readAll(context, files);
        var complaint = DagFile.complain(context, read, json);
        if (complaint != ExitCode.OK.code()) {
            return complaint;
        }
        return new Trial(context, json, settings).of(read);
    }
}
