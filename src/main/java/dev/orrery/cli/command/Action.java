package dev.orrery.cli.command;

import dev.orrery.cli.text.Terminal;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What all commands have in common. */
abstract class Action implements Callable<Integer> {

    final Context context;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            order = 1000,
            description = "Show this help.")
    boolean helpRequested;

    Action(Context context) {
        this.context = context;
    }

    final Terminal terminal() {
        return context.terminal();
    }
}
