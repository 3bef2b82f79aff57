package dev.orrery.domain.task;

import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * References to secrets in the text of a task: <code>${{ secrets.NAME }}</code>. The text keeps the reference wherever it is
 * stored or shown; only the node that makes an attempt puts the secret in its place.
 */
public final class SecretReferences {

    /** What secrets can be called. */
    public static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,63}");

    private static final Pattern BEGUN = Pattern.compile("\\$\\{\\{[ \\t]{0,8}secrets\\b");
    private static final Pattern REFERENCE =
            Pattern.compile("\\$\\{\\{[ \\t]{0,8}secrets\\.(" + NAME + ")[ \\t]{0,8}}}");

    private SecretReferences() {}

    /** Whether a reference stands in the text, or what was meant to be one. */
    public static boolean standIn(String text) {
        // Almost no text has one, and every text of every task is asked.
        return text.contains("${{") && BEGUN.matcher(text).find();
    }

    /** Whether every reference that is begun in the text is a whole one. */
    public static boolean areWhole(String text) {
        return !standIn(text)
                || BEGUN.matcher(text)
                        .results()
                        .allMatch(begun -> REFERENCE
                                .matcher(text)
                                .region(begun.start(), text.length())
                                .lookingAt());
    }

    /** The text with something else in the place of each whole reference; what is put in is not looked at again. */
    public static String replaced(String text, UnaryOperator<String> byName) {
        return standIn(text)
                ? REFERENCE.matcher(text).replaceAll(found -> Matcher.quoteReplacement(byName.apply(found.group(1))))
                : text;
    }

    /** The first whole reference in the text, as it is written. */
    public static Optional<String> first(String text) {
        return standIn(text)
                ? REFERENCE.matcher(text).results().findFirst().map(found -> found.group())
                : Optional.empty();
    }
}
