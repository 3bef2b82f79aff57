package dev.orrery.cli.command;

import dev.orrery.cli.text.ShellWord;
import picocli.CommandLine.Command;

/** Lets schedules and events start a paused DAG again. */
@Command(
        name = "resume",
        description = "Resume a paused DAG: schedules and events start runs of it again.",
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag resume nightly-report",
            "  orrery dag resume nightly-report --output json | jq .active"
        })
final class DagResumeCommand extends DagSwitch {

    DagResumeCommand(Context context) {
        super(context, "resume", "resumed");
    }

    @Override
    String next(String name) {
        return "'" + commandLine("dag trigger " + ShellWord.of(name) + " --follow") + "' starts it now";
    }
}
