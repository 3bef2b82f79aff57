package dev.orrery.expression;

import java.util.List;

/** Puts texts together, up to what one may have. */
final class Building {

    private Building() {}

    static String join(List<?> parts, String separator) {
        var joined = new StringBuilder();
        for (var n = 0; n < parts.size(); n++) {
            if (!(parts.get(n) instanceof String part)) {
                throw Meter.refusal("join() takes a list of texts, and was given " + Answers.named(parts.get(n))
                        + "; map it first: list.map(x, string(x)).join(',')");
            }
            append(joined, n == 0 ? "" : separator);
            append(joined, part);
        }
        return joined.toString();
    }

    static String replace(String text, String old, String fresh) {
        if (old.isEmpty()) {
            throw Meter.refusal("replace() cannot replace an empty text");
        }
        var replaced = new StringBuilder();
        var from = 0;
        for (var at = text.indexOf(old); at >= 0; at = text.indexOf(old, from)) {
            append(replaced, text.substring(from, at));
            append(replaced, fresh);
            from = at + old.length();
        }
        append(replaced, text.substring(from));
        return replaced.toString();
    }

    private static void append(StringBuilder text, String more) {
        if (text.length() + more.length() > Meter.TEXT_MAX) {
            throw Meter.refusal("it makes a text of over " + Meter.TEXT_MAX + " characters");
        }
        text.append(more);
    }
}
