package dev.orrery.cli.text;

/** Measures and shortens text by the columns it takes on a terminal, and makes foreign text safe to print there. */
public final class TextWidth {

    /** East Asian wide and full-width forms, and the emoji: first and last of each range. */
    private static final int[][] WIDE = {
        {0x1100, 0x115F},
        {0x2E80, 0xA4CF},
        {0xAC00, 0xD7A3},
        {0xF900, 0xFAFF},
        {0xFE30, 0xFE6F},
        {0xFF00, 0xFF60},
        {0xFFE0, 0xFFE6},
        {0x1F300, 0x1FAFF},
        {0x20000, 0x3FFFD}
    };

    private static final int NARROW_AMONG_WIDE = 0x303F;

    private TextWidth() {}

    /** The columns this text takes: none for combining marks, two for wide characters; it holds no escape sequences. */
    public static int of(String text) {
        return text.codePoints().map(TextWidth::of).sum();
    }

    private static int of(int character) {
        return switch (Character.getType(character)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT -> 0;
            default -> isWide(character) ? 2 : 1;
        };
    }

    private static boolean isWide(int character) {
        for (var range : WIDE) {
            if (character >= range[0] && character <= range[1]) {
                return character != NARROW_AMONG_WIDE;
            }
        }
        return false;
    }

    /** This text if it fits into so many columns, else its beginning and an ellipsis. */
    public static String shorten(String text, int columns, Style style) {
        if (of(text) <= columns) {
            return text;
        }
        var ellipsis = columns >= style.ellipsis().length() ? style.ellipsis() : "";
        return beginning(text, columns - of(ellipsis)) + ellipsis;
    }

    private static String beginning(String text, int columns) {
        var taken = 0;
        var end = 0;
        while (end < text.length()) {
            var character = text.codePointAt(end);
            taken += of(character);
            if (taken > columns) {
                break;
            }
            end += Character.charCount(character);
        }
        return text.substring(0, end);
    }

    /** This text on one line, with nothing in it that a terminal would obey. */
    public static String clean(String text) {
        if (text.codePoints().noneMatch(TextWidth::isControl)) {
            return text;
        }
        var cleaned = new StringBuilder();
        withoutSequences(text).codePoints().forEach(c -> {
            if (c == '\n' || c == '\t') {
                cleaned.append(' ');
            } else if (!isControl(c)) {
                cleaned.appendCodePoint(c);
            }
        });
        return cleaned.toString();
    }

    /** Control characters, and the marks that turn the direction of writing and so can disguise a text. */
    private static boolean isControl(int c) {
        return Character.isISOControl(c) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
    }

    /** Without colours and cursor movements: ESC [ … letter, and ESC ] … BEL. */
    private static String withoutSequences(String text) {
        return text.indexOf('\u001b') < 0
                ? text
                : text.replaceAll("\u001b\\[[0-?]*[ -/]*[@-~]|\u001b\\][^\u0007\u001b]*(\u0007|\u001b\\\\)?", "");
    }
}
