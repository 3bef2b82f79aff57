package dev.orrery.cli.run;

import dev.orrery.cli.text.Colour;

/** One colour for each state of tasks and runs. */
public final class StateColours {

    private StateColours() {}

    public static Colour of(String state) {
        return switch (state) {
            case "succeeded", "active" -> Colour.GREEN;
            case "failed", "timed_out" -> Colour.RED;
            case "retrying", "cancelling", "paused", "draining" -> Colour.YELLOW;
            case "running" -> Colour.CYAN;
            case "skipped", "cancelled", "blocked", "stopped" -> Colour.DIM;
            default -> Colour.NONE;
        };
    }
}
