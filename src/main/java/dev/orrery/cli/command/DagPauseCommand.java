package dev.orrery.cli.command;

import dev.orrery.cli.text.ShellWord;
import picocli.CommandLine.Command;

/** Keeps a DAG from being started by schedules and events. */
@Command(
        name = "pause",
        description = {
            "Pause a DAG: schedules and events start no runs of it until it is resumed.",
            "A run that has begun goes on, and 'dag trigger' still starts one."
        },
        footer = {
            ServerAction.EXAMPLES,
            "  orrery dag pause nightly-report",
            "  orrery dag pause nightly-report --output json | jq .active"
        })
final class DagPauseCommand extends DagSwitch {

    DagPauseCommand(Context context) {
        super(context, "pause", "paused");
    }

    @Override
    String next(String name) {
        return "'" + commandLine("dag resume " + ShellWord.of(name)) + "' lets schedules and events start it again";
    }
}
