package dev.orrery.cli.run;

import dev.orrery.cli.client.ExitCode;
import dev.orrery.cli.text.Signals;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** What happens when this process is told to end: by Ctrl-C, by SIGTERM, or by its terminal's end. */
public abstract class Interrupts {

    /** The signals that ask a process to end, and what its exit code then is: 128 and the signal's number. */
    public enum Ending {
        INT(ExitCode.INTERRUPTED.code()),
        TERM(143),
        HUP(129);

        private final int exitCode;

        Ending(int exitCode) {
            this.exitCode = exitCode;
        }

        public int exitCode() {
            return exitCode;
        }
    }

    /** Those of this process; {@code cleanUp} removes what it has made, behind last words. */
    public static Interrupts ofThisProcess(Runnable cleanUp) {
        return new Interrupts() {
            @Override
            protected void on(Ending signal, Runnable action) {
                Signals.on(signal.name(), action);
            }

            @Override
            protected void cleanUp() {
                cleanUp.run();
            }

            @Override
            public void halt(int exitCode) {
                Runtime.getRuntime().halt(exitCode);
            }
        };
    }

    protected abstract void on(Ending signal, Runnable action);

    /** Removes what the process has made, where there is time for it. */
    protected void cleanUp() {}

    /** Ends the process now, without anything that would be done before. */
    public abstract void halt(int exitCode);

    /**
     * From now on, being told to end does this and then ends the process with the exit code for it; being told so again ends
     * it at once.
     */
    public final void endAfter(Runnable lastWords) {
        var told = new AtomicBoolean();
        for (var signal : Ending.values()) {
            on(signal, () -> {
                if (told.compareAndSet(false, true)) {
                    lastWords.run();
                    cleanUp();
                }
                halt(signal.exitCode());
            });
        }
    }

    /** From now on, being told to end does only this; being told so a second time ends the process at once. */
    public final void endAtSecond(Consumer<Ending> atFirst) {
        var told = new AtomicBoolean();
        for (var signal : Ending.values()) {
            on(signal, () -> {
                if (told.compareAndSet(false, true)) {
                    atFirst.accept(signal);
                } else {
                    halt(signal.exitCode());
                }
            });
        }
    }
}
