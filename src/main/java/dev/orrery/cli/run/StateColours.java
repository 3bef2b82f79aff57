package dev.orrery.cli.run;

import dev.orrery.cli.text.Colour;

/** One colour for each state of tasks, runs and jobs. */
public final class StateColours {

    private StateColours() {}

    public static Colour of(String state) {
        return switch (state) {
            case "succeeded", "active", "success", "completed" -> Colour.GREEN;
            case "failed", "timed_out", "timeout" -> Colour.RED;
            case "retrying", "cancelling", "paused", "draining", "silent" -> Colour.YELLOW;
            case "running" -> Colour.CYAN;
            case "skipped", "cancelled", "blocked", "stopped" -> Colour.DIM;
            default -> Colour.NONE;
        };
    }
}
