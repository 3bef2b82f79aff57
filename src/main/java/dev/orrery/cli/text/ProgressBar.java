package dev.orrery.cli.text;

import java.util.List;

/** A bar of fixed width whose parts stand in proportion to their counts. */
public final class ProgressBar {

    /** One part from the left: how much, how it is drawn. */
    public record Part(int count, Colour colour, String unicode, String ascii) {}

    private ProgressBar() {}

    /** The bar with these parts of {@code total}; a part that is not empty is seen, if there is room at all. */
    public static String of(List<Part> parts, int total, int width, Style style) {
        var bar = new StringBuilder();
        var counted = 0;
        var drawn = 0;
        for (var part : parts) {
            if (part.count() == 0) {
                continue;
            }
            counted += part.count();
            var end = (int) Math.min(width, (long) counted * width / Math.max(1, total));
            if (end <= drawn && drawn < width) {
                end = drawn + 1;
            }
            var length = Math.max(0, end - drawn);
            bar.append(style.paint(part.colour(), (style.unicode() ? part.unicode() : part.ascii()).repeat(length)));
            drawn += length;
        }
        return bar.append(style.paint(Colour.DIM, (style.unicode() ? "─" : "-").repeat(width - drawn)))
                .toString();
    }
}
