package dev.orrery.cli.command;

import dev.orrery.cli.text.Colour;
import dev.orrery.cli.text.ProgressBar;
import dev.orrery.cli.text.Terminal;
import java.util.List;

/** One line on a terminal that is drawn anew as something goes on; nothing where nobody looks. */
final class ProgressLine {

    private static final int BAR_WIDTH = 30;
    private static final int SCALE = 1_000;

    private final Terminal terminal;
    private final boolean isSeen;

    ProgressLine(Terminal terminal, boolean json) {
        this.terminal = terminal;
        this.isSeen = terminal.interactive() && !json;
    }

    /** Shows how far it is; without a bar where the whole is not known, which is 0 then. */
    void show(long part, long whole, String text) {
        if (isSeen) {
            var share = (int) Math.min(SCALE, part * SCALE / Math.max(1, whole));
            var bar = ProgressBar.of(
                    List.of(new ProgressBar.Part(share, Colour.GREEN, "━", "=")), SCALE, BAR_WIDTH, terminal.style());
            terminal.err().print("\r" + (whole == 0 ? "" : bar + " ") + text);
            terminal.err().flush();
        }
    }

    void clear() {
        if (isSeen) {
            terminal.err().print("\r\u001b[2K");
            terminal.err().flush();
        }
    }
}
