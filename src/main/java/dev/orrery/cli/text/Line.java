package dev.orrery.cli.text;

/** A line that is put together piece by piece and never grows wider than allowed: what does not fit is cut. */
public final class Line {

    private final int columns;
    private final Style style;
    private final StringBuilder text = new StringBuilder();
    private int taken;

    public Line(int columns, Style style) {
        this.columns = columns;
        this.style = style;
    }

    public Line add(String piece) {
        return add(piece, Colour.NONE);
    }

    public Line add(String piece, Colour colour) {
        var cut = TextWidth.shorten(piece, Math.max(0, columns - taken), style);
        return addPainted(style.paint(colour, cut), TextWidth.of(cut));
    }

    /** Adds what holds escape sequences already and takes so many columns; left out where there is no room. */
    public Line addPainted(String painted, int width) {
        if (taken + width <= columns) {
            text.append(painted);
            taken += width;
        }
        return this;
    }

    public boolean fits(String piece) {
        return taken + TextWidth.of(piece) <= columns;
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
