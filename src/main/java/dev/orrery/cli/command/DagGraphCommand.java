package dev.orrery.cli.command;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.dagfile.DagDrawing;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Draws a DAG file. */
@Command(
        name = "graph",
        description = "Draw a DAG file: its tasks and what waits for what.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag graph hello.yaml",
            "  orrery dag graph hello.yaml --format mermaid",
            "  orrery dag show nightly-report --yaml | orrery dag graph -"
        })
final class DagGraphCommand extends Action {

    /** How it is drawn. */
    enum Format {
        TEXT,
        MERMAID;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Parameters(paramLabel = "FILE", description = "A DAG file; '-' is standard input.")
    String file = "";

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "text (the default), or mermaid for pages that show such charts.")
    Format format = Format.TEXT;

    DagGraphCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        var read = DagFile.read(context, file);
        var complaint = DagFile.complain(context, List.of(read), false);
        if (complaint != ExitCode.OK.code()) {
            return complaint;
        }
        var dag = read.draft();
        terminal()
                .out()
                .print(
                        format == Format.TEXT
                                ? terminal().style().drawing(DagDrawing.text(dag))
                                : DagDrawing.mermaid(dag));
        return ExitCode.OK.code();
    }
}
