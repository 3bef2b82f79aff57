package dev.orrery.cli.command;

import dev.orrery.cli.client.CommandFailure;
import dev.orrery.cli.client.ExitCode;
import dev.orrery.dagfile.DagTemplate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Prints a DAG file to begin with. */
@Command(
        name = "new",
        description = "Print a commented DAG file to begin with; it runs as it is.",
        footer = {ServerAction.EXAMPLES, "  orrery dag new hello > hello.yaml", "  orrery dag new hello | orrery try -"
        })
final class DagNewCommand extends Action {

    @Parameters(paramLabel = "NAME", description = "What the DAG is to be called.")
    String name = "";

    DagNewCommand(Context context) {
        super(context);
    }

    @Override
    public Integer call() {
        try {
            terminal().out().print(DagTemplate.text(name));
            return ExitCode.OK.code();
        } catch (IllegalArgumentException refused) {
            throw CommandFailure.usage(String.valueOf(refused.getMessage()), "try: orrery dag new hello");
        }
    }
}
