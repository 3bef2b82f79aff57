package dev.orrery.cli.command;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The program itself. */
@Command(
        name = "orrery",
        description = {
            "Orrery runs DAGs: tasks that wait for each other, written as YAML.",
            "Without a command it starts a standalone node, as 'orrery node' does."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done, and the run that was followed succeeded",
            "1:the run failed or was cancelled; or it could not be done for another reason",
            "2:wrong usage",
            "3:there is no such DAG, run, task or other thing",
            "4:the DAG file or the request is invalid",
            "5:the token is missing or wrong",
            "6:the node cannot be reached, or is busy",
            "130:interrupted by Ctrl-C; a followed run goes on"
        },
        footer = {
            "%nThe first minute:",
            "  orrery dag new hello > hello.yaml",
            "  orrery try hello.yaml               everything at once, leaves nothing behind",
            ServerAction.EXAMPLES,
            "  orrery node                         a node on http://127.0.0.1:8080, data in ~/.orrery",
            "  orrery dag apply hello.yaml         in another terminal",
            "  orrery dag trigger hello --follow"
        })
final class RootCommand extends Group {

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            order = 1001,
            description = "Show the version.")
    boolean versionRequested;

    RootCommand(Context context) {
        super(context);
    }
}
