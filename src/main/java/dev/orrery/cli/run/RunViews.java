package dev.orrery.cli.run;

import dev.orrery.cli.text.Terminal;
import java.time.Clock;

/** Chooses the view that fits. */
public final class RunViews {

    private RunViews() {}

    public static RunView of(Terminal terminal, boolean json, Clock clock) {
        if (json) {
            return new JsonView(terminal);
        }
        return terminal.interactive() ? new LiveView(terminal, clock) : new PlainView(terminal, clock);
    }
}
