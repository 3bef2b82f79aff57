package dev.orrery.cli.run;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.Signals;

/** What happens on Ctrl-C while a command waits. */
@FunctionalInterface
public interface Interrupts {

    /**
     * From now on Ctrl-C, and being told to end, does this and ends the process with the exit code for it. The action runs
     * in a thread of its own and must be quick.
     */
    void endAfter(Runnable lastWords);

    /** Those of this process. */
    static Interrupts ofThisProcess() {
        return lastWords -> {
            for (var signal : Ending.values()) {
                Signals.on(signal.name(), () -> {
                    lastWords.run();
                    Runtime.getRuntime().halt(signal.exitCode);
                });
            }
        };
    }

    /** The signals that ask a process to end, and what its exit code then is: 128 and the signal's number. */
    enum Ending {
        INT(ExitCode.INTERRUPTED.code()),
        TERM(143),
        HUP(129);

        private final int exitCode;

        Ending(int exitCode) {
            this.exitCode = exitCode;
        }
    }
}
