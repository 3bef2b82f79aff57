package dev.orrery.store;

import dev.orrery.domain.Json;

/**
 * Makes text fit to be stored. PostgreSQL takes neither the character NUL nor half of a surrogate pair, be it as it is or
 * as an escape in JSON; where one stands, U+FFFD is stored in its place. All text that people or their tasks wrote goes
 * through here.
 */
public final class Texts {

    private static final char REPLACEMENT = '\uFFFD';
    private static final String ESCAPED_REPLACEMENT = "\\ufffd";
    private static final int ESCAPE_LENGTH = 6;

    private Texts() {}

    /** The same text, where it can be stored. */
    public static String clean(String text) {
        var wrong = firstWrong(text);
        if (wrong < 0) {
            return text;
        }
        var cleaned = new StringBuilder(text);
        for (var at = wrong; at < cleaned.length(); at++) {
            var c = cleaned.charAt(at);
            if (isPair(text, at)) {
                at++;
            } else if (c == 0 || Character.isSurrogate(c)) {
                cleaned.setCharAt(at, REPLACEMENT);
            }
        }
        return cleaned.toString();
    }

    private static int firstWrong(String text) {
        for (var at = 0; at < text.length(); at++) {
            var c = text.charAt(at);
            if (c == 0) {
                return at;
            }
            if (Character.isSurrogate(c)) {
                if (!isPair(text, at)) {
                    return at;
                }
                at++;
            }
        }
        return -1;
    }

    private static boolean isPair(String text, int at) {
        return at + 1 < text.length() && Character.isSurrogatePair(text.charAt(at), text.charAt(at + 1));
    }

    /** The same value, where the database takes it as JSON. */
    public static Json clean(Json json) {
        var text = clean(json.text());
        var cleaned = text.contains("\\u") ? cleanEscapes(text) : text;
        return cleaned.equals(json.text()) ? json : new Json(cleaned);
    }

    private static String cleanEscapes(String text) {
        var cleaned = new StringBuilder(text.length());
        var at = 0;
        while (at < text.length()) {
            if (text.charAt(at) != '\\') {
                cleaned.append(text.charAt(at++));
            } else if (!isUnicodeEscape(text, at)) {
                cleaned.append(text, at, Math.min(at + 2, text.length()));
                at += 2;
            } else {
                at += appendUnicodeEscape(cleaned, text, at);
            }
        }
        return cleaned.toString();
    }

    /** Appends the escape, or the two of a pair, and answers how many characters they took. */
    private static int appendUnicodeEscape(StringBuilder cleaned, String text, int at) {
        var c = escaped(text, at);
        var next = at + ESCAPE_LENGTH;
        if (Character.isHighSurrogate(c)
                && isUnicodeEscape(text, next)
                && Character.isLowSurrogate(escaped(text, next))) {
            cleaned.append(text, at, next + ESCAPE_LENGTH);
            return 2 * ESCAPE_LENGTH;
        }
        if (c == 0 || Character.isSurrogate(c)) {
            cleaned.append(ESCAPED_REPLACEMENT);
        } else {
            cleaned.append(text, at, next);
        }
        return ESCAPE_LENGTH;
    }

    private static boolean isUnicodeEscape(String text, int at) {
        return text.startsWith("\\u", at) && at + ESCAPE_LENGTH <= text.length();
    }

    private static char escaped(String text, int at) {
        return (char) Integer.parseInt(text, at + 2, at + ESCAPE_LENGTH, 16);
    }
}
