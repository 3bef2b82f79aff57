package dev.orrery.cli.run;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.Signals;
import java.util.List;

/** What happens on Ctrl-C while a command waits. */
public final class Interrupts {

    private Interrupts() {}

    /**
     * From now on Ctrl-C, and being told to end, does this and ends the process with the exit code for it. The action runs
     * in a thread of its own and must be quick.
     */
    public static void endAfter(Runnable lastWords) {
        for (var signal : List.of(Ending.values())) {
            Signals.on(signal.name(), () -> {
                lastWords.run();
                Runtime.getRuntime().halt(signal.exitCode);
            });
        }
    }

    /** The signals that ask a process to end, and what its exit code then is: 128 and the signal's number. */
    private enum Ending {
        INT(ExitCode.INTERRUPTED.code()),
        TERM(143),
        HUP(129);

        private final int exitCode;

        Ending(int exitCode) {
            this.exitCode = exitCode;
        }
    }
}
