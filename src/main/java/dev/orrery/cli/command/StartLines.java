package dev.orrery.cli.command;

import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.HumanTime;
import dev.orrery.cli.text.Terminal;
import dev.orrery.cli.text.TextWidth;
import dev.orrery.node.Console;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** One line for each phase of a start, with the time it took. A terminal shows the phase already while it goes on. */
final class StartLines implements Console {

    private static final String CLEAR_LINE = "\r\u001b[2K";

    private final Terminal terminal;
    private final BooleanSupplier isOver;
    private String phase = "";
    private long beganAt;

    StartLines(Terminal terminal) {
        this(terminal, () -> false);
    }

    /** {@code isOver}: whether the user has asked for the end meanwhile. */
    StartLines(Terminal terminal, BooleanSupplier isOver) {
        this.terminal = terminal;
        this.isOver = isOver;
    }

    @Override
    public boolean isOver() {
        return isOver.getAsBoolean();
    }

    @Override
    public void begin(String newPhase) {
        phase = TextWidth.clean(newPhase);
        beganAt = System.nanoTime();
        showPhase();
    }

    @Override
    public void done() {
        var took = HumanTime.of(Duration.ofNanos(System.nanoTime() - beganAt));
        hidePhase();
        terminal.line(terminal.style().succeededMark() + " " + phase + " "
                + terminal.style().paint(Colour.DIM, "(" + took + ")"));
        phase = "";
    }

    @Override
    public void say(String line) {
        hidePhase();
        terminal.line("  " + TextWidth.clean(line));
        showPhase();
    }

    private void showPhase() {
        if (terminal.interactive() && !phase.isEmpty()) {
            terminal.out().print(phase + " " + terminal.style().ellipsis());
            terminal.out().flush();
        }
    }

    /** Takes away the line of a phase that is not done; what follows begins a line of its own. */
    void hidePhase() {
        if (terminal.interactive() && !phase.isEmpty()) {
            terminal.out().print(CLEAR_LINE);
            terminal.out().flush();
        }
    }
}
