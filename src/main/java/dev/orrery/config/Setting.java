package dev.orrery.config;

import java.util.Locale;
import java.util.function.Function;

/**
 * One thing a node can be told.
 *
 * @param key its name in the file, such as {@code http.port}
 * @param meaning what it does, as a part of a sentence
 * @param isSecret whether its value is never shown
 * @param reader where a configuration holds it
 */
record Setting<T>(String key, Kind<T> kind, String meaning, boolean isSecret, Function<OrreryConfig, T> reader) {

    /** What all variables begin with that set something. */
    static final String VARIABLE_PREFIX = "ORRERY_";

    private static final int MAX_SHOWN = 100;

    /** The environment variable that sets it. */
    String variable() {
        return VARIABLE_PREFIX + key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    String section() {
        return key.substring(0, key.indexOf('.'));
    }

    /** Its name within its section. */
    String name() {
        return key.substring(key.indexOf('.') + 1);
    }

    T in(OrreryConfig config) {
        return reader.apply(config);
    }

    T defaultValue() {
        return in(OrreryConfig.DEFAULT);
    }

    /** The value of a configuration as it would be written. */
    String textIn(OrreryConfig config) {
        return kind.text(in(config));
    }

    /** The value of a configuration as it may be shown to anyone. */
    String shownIn(OrreryConfig config) {
        var text = textIn(config);
        return isSecret ? Secrets.masked(text) : Secrets.withoutPasswords(text);
    }

    /**
     * Reads a value and refuses it where {@link #check} does.
     *
     * @throws IllegalArgumentException that begins with the key
     */
    T read(String text) {
        T value;
        try {
            value = kind.read(text);
        } catch (IllegalArgumentException unreadable) {
            throw refused(String.valueOf(unreadable.getMessage()), text);
        }
        check(value);
        return value;
    }

    /**
     * Refuses a value that the kind does not take.
     *
     * @throws IllegalArgumentException that begins with the key
     */
    void check(T value) {
        kind.objection(value).ifPresent(objection -> {
            throw refused(objection, kind.text(value));
        });
    }

    private IllegalArgumentException refused(String objection, String text) {
        var was = isSecret ? "" : ", was '" + Secrets.withoutPasswords(shortened(text)) + "'";
        return new IllegalArgumentException(key + " " + objection + was);
    }

    private static String shortened(String text) {
        return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "…";
    }
}
