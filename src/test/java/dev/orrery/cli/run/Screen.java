package dev.orrery.cli.run;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What a terminal would show after it was sent this: knows the few sequences that the live view uses. */
final class Screen {

    private static final Pattern PIECE = Pattern.compile("\u001b\\[(\\??[0-9;]*)([A-Za-z])|\r|\n|[^\u001b\r\n]");

    private final List<StringBuilder> lines = new ArrayList<>(List.of(new StringBuilder()));
    private int row;
    private int column;
    private boolean cursorVisible = true;

    static Screen after(String sent) {
        var screen = new Screen();
        var pieces = PIECE.matcher(sent);
        var end = 0;
        while (pieces.find()) {
            if (pieces.start() != end) {
                throw new AssertionError("cannot read what is sent at " + end);
            }
            end = pieces.end();
            screen.take(pieces.group(), pieces.group(1), pieces.group(2));
        }
        return screen;
    }

    private void take(String piece, String numbers, String command) {
        if (command != null) {
            obey(command, numbers);
        } else if (piece.equals("\n")) {
            row++;
            column = 0;
            if (row == lines.size()) {
                lines.add(new StringBuilder());
            }
        } else if (piece.equals("\r")) {
            column = 0;
        } else {
            var line = lines.get(row);
            line.replace(column, Math.min(line.length(), column + 1), piece);
            column++;
        }
    }

    private void obey(String command, String numbers) {
        switch (command) {
            case "A" -> row = Math.max(0, row - Integer.parseInt(numbers));
            case "K" -> lines.get(row).setLength(0);
            case "J" -> {
                lines.subList(row + 1, lines.size()).clear();
                lines.get(row).setLength(column);
            }
            case "l" -> cursorVisible = false;
            case "h" -> cursorVisible = true;
            case "m" -> {
                // Colours are not kept.
            }
            default -> throw new AssertionError("unknown sequence " + numbers + command);
        }
    }

    List<String> lines() {
        return lines.stream().map(StringBuilder::toString).toList();
    }

    boolean isCursorVisible() {
        return cursorVisible;
    }
}
