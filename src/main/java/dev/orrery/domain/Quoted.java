package dev.orrery.domain;

/** Texts of a file inside our own messages: short, on one line, and unable to steer a terminal. */
public final class Quoted {

    private static final int MAX_LENGTH = 60;

    private Quoted() {}

    /** In single quotes, shortened. */
    public static String of(String text) {
        return "'" + shortened(text, MAX_LENGTH) + "'";
    }

    public static String shortened(String text, int maxLength) {
        var shown = new StringBuilder();
        var codePoints = text.codePoints().limit(maxLength + 1L).toArray();
        var length = codePoints.length > maxLength ? maxLength - 1 : codePoints.length;
        for (var n = 0; n < length; n++) {
            append(shown, codePoints[n]);
        }
        return codePoints.length > maxLength ? shown.append('…').toString() : shown.toString();
    }

    private static void append(StringBuilder shown, int codePoint) {
        if (codePoint == '\n') {
            shown.append("\\n");
        } else if (isVisible(codePoint)) {
            shown.appendCodePoint(codePoint);
        } else {
            shown.append("\\u").append(String.format("%04X", codePoint));
        }
    }

    /** Neither a control character nor one that turns the direction of writing, joins lines or stands alone as half. */
    public static boolean isVisible(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
