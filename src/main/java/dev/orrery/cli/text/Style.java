package dev.orrery.cli.text;

import java.util.Locale;
import java.util.Map;

/**
 * What the reader's terminal can show.
 *
 * @param colours whether escape sequences for colours may be written
 * @param unicode whether characters beyond ASCII may be used as ornaments; what users wrote is always shown as it is
 */
public record Style(boolean colours, boolean unicode) {

    public static final Style PLAIN = new Style(false, false);

    private static final String RESET = "\u001b[0m";
    private static final String LINES = "─│├┤┬┴┼╭╮╯╰╴╵╶╷●×…";
    private static final String LINES_IN_ASCII = "-|" + "+".repeat(9) + "-|-|*x~";

    /** Colours only for a terminal that wants them, ornaments only where the locale is UTF-8. */
    public static Style of(boolean terminal, Map<String, String> environment) {
        var wanted = environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !environment.getOrDefault("TERM", "").equals("dumb");
        return new Style(terminal && wanted, isUtf8(environment));
    }

    private static boolean isUtf8(Map<String, String> environment) {
        for (var variable : new String[] {"LC_ALL", "LC_CTYPE", "LANG"}) {
            var locale = environment.getOrDefault(variable, "");
            if (!locale.isEmpty()) {
                var upper = locale.toUpperCase(Locale.ROOT);
                return upper.contains("UTF-8") || upper.contains("UTF8");
            }
        }
        return false;
    }

    public String paint(Colour colour, String text) {
        return colours && colour != Colour.NONE && !text.isEmpty() ? colour.sequence() + text + RESET : text;
    }

    /** A drawing made of lines of the Unicode kind, in ASCII where only that can be shown. */
    public String drawing(String text) {
        if (unicode) {
            return text;
        }
        var ascii = new StringBuilder(text);
        for (var at = 0; at < ascii.length(); at++) {
            var line = LINES.indexOf(ascii.charAt(at));
            if (line >= 0) {
                ascii.setCharAt(at, LINES_IN_ASCII.charAt(line));
            }
        }
        return ascii.toString();
    }

    public String succeededMark() {
        return paint(Colour.GREEN, unicode ? "✔" : "ok:");
    }

    public String failedMark() {
        return paint(Colour.RED, unicode ? "✘" : "x");
    }

    /** What stands before a message that says why a command ended. */
    public String errorMark() {
        return paint(Colour.RED, "error:");
    }

    public String ellipsis() {
        return unicode ? "…" : "...";
    }

    public String separator() {
        return unicode ? " · " : ", ";
    }
}
