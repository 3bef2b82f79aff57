package dev.orrery.cli.text;

import java.util.ArrayList;
import java.util.List;

/**
 * Rows under headings, each column as wide as its widest cell. Where the terminal is narrower, the last column is
 * shortened and nothing else: what people copy, such as ids, stays whole.
 */
public final class Table {

    private static final String GAP = "  ";
    private static final int LAST_COLUMN_MIN = 8;

    /** One cell: its text, made safe to print, and its colour. */
    public record Cell(String text, Colour colour) {

        public Cell {
            text = TextWidth.clean(text);
        }
    }

    private final List<String> headings;
    private final List<Boolean> numbers = new ArrayList<>();
    private final List<List<Cell>> rows = new ArrayList<>();

    private Table(List<String> headings) {
        this.headings = headings;
    }

    /** A heading that ends in {@code #} stands over a column of numbers, which are aligned to the right. */
    public static Table of(String... headings) {
        var names = new ArrayList<String>();
        var table = new Table(names);
        for (var heading : headings) {
            var number = heading.endsWith("#");
            table.numbers.add(number);
            names.add(number ? heading.substring(0, heading.length() - 1) : heading);
        }
        return table;
    }

    public static Cell cell(String text) {
        return new Cell(text, Colour.NONE);
    }

    public static Cell cell(String text, Colour colour) {
        return new Cell(text, colour);
    }

    public Table row(Cell... cells) {
        if (cells.length != headings.size()) {
            throw new IllegalArgumentException(cells.length + " cells under " + headings.size() + " headings");
        }
        rows.add(List.of(cells));
        return this;
    }

    /** The lines, no wider than {@code columns} if that is possible; 0 for any width. */
    public List<String> lines(int columns, Style style) {
        var widths = widths(columns);
        var lines = new ArrayList<String>();
        lines.add(line(headings.stream().map(h -> cell(h, Colour.BOLD)).toList(), widths, style));
        for (var row : rows) {
            lines.add(line(row, widths, style));
        }
        return lines;
    }

    private int[] widths(int columns) {
        var widths = new int[headings.size()];
        var sum = 0;
        for (var column = 0; column < widths.length; column++) {
            widths[column] = TextWidth.of(headings.get(column));
            for (var row : rows) {
                widths[column] =
                        Math.max(widths[column], TextWidth.of(row.get(column).text()));
            }
            sum += widths[column] + GAP.length();
        }
        var excess = sum - GAP.length() - columns;
        if (columns > 0 && excess > 0) {
            var last = widths.length - 1;
            widths[last] = Math.max(Math.min(widths[last], LAST_COLUMN_MIN), widths[last] - excess);
        }
        return widths;
    }

    private String line(List<Cell> cells, int[] widths, Style style) {
        var line = new StringBuilder();
        for (var column = 0; column < widths.length; column++) {
            var cell = cells.get(column);
            var text = TextWidth.shorten(cell.text(), widths[column], style);
            var padding = " ".repeat(widths[column] - TextWidth.of(text));
            var last = column == widths.length - 1;
            line.append(numbers.get(column) ? padding : "")
                    .append(style.paint(cell.colour(), text))
                    .append(numbers.get(column) || last ? "" : padding)
                    .append(last ? "" : GAP);
        }
        return line.toString().stripTrailing();
    }
}
