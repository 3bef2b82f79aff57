package dev.orrery.domain;

import java.util.regex.Pattern;

/** What a JSON parser finds wrong, for people who do not know the parser: its own names and settings are left out. */
public final class JsonComplaint {

    private static final Pattern INTERNALS = Pattern.compile(
            ", from `[^`]*`|(for \\w+)? \\(start marker at .*|: enable `[^`]*`.*|: maybe a \\(non-standard\\) comment\\? .*");

    private JsonComplaint() {}

    /** The first line of the parser's message without its internals. */
    public static String of(String parserMessage) {
        var line = parserMessage.lines().findFirst().orElse("");
        var plain = INTERNALS.matcher(line).replaceAll("").strip();
        return plain.isEmpty() ? "it is not well-formed" : plain;
    }
}
