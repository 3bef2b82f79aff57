package dev.orrery.config;

import java.util.regex.Pattern;

/** Hides what must not be shown. Every mask has the same length, so that it tells nothing. */
final class Secrets {

    static final String MASK = "********";

    /** If no @ stands before the path, the last one anywhere is taken: rather too much is hidden than too little. */
    private static final Pattern LOGIN = Pattern.compile("(://[^:/?#@]*):(?:[^/?#]*|.*)@");

    private static final Pattern PARAMETER = Pattern.compile("(?i)([?&][a-z_]*password)=[^&]*");

    private Secrets() {}

    /** Shows only whether there is one. */
    static String masked(String secret) {
        return secret.isEmpty() ? "" : MASK;
    }

    /** Hides the passwords that a URL holds; other texts stay as they are. */
    static String withoutPasswords(String text) {
        if (!text.contains("://")) {
            return text;
        }
        var masked = LOGIN.matcher(text).replaceFirst("$1:" + MASK + "@");
        return PARAMETER.matcher(masked).replaceAll("$1=" + MASK);
    }
}
