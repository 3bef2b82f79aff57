package dev.orrery.domain.webhook;

import static dev.orrery.domain.Checks.require;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Base64;

/** What both sides know and nobody else: its text is never shown. */
public record Secret(String text) {

    /** Shorter ones can be found by trying. */
    public static final int LENGTH_MIN = 16;

    public static final int LENGTH_MAX = 512;

    /** Before secrets of Standard Webhooks, whose bytes are written as Base64. */
    private static final String ENCODED = "whsec_";

    public Secret {
        require(isLong(text), "a secret has " + LENGTH_MIN + " to " + LENGTH_MAX + " characters");
    }

    private static boolean isLong(String text) {
        return text.length() >= LENGTH_MIN && text.length() <= LENGTH_MAX;
    }

    /** Whether it can be one: long enough, and where it is said to be Base64, it is. */
    public static boolean isFit(String text) {
        if (!isLong(text)) {
            return false;
        }
        try {
            return new Secret(text).bytes().length >= LENGTH_MIN;
        } catch (IllegalArgumentException notBase64) {
            return false;
        }
    }

    /** With what is signed. */
    byte[] bytes() {
        return text.startsWith(ENCODED)
                ? Base64.getDecoder().decode(text.substring(ENCODED.length()))
                : text.getBytes(UTF_8);
    }

    @Override
    public String toString() {
        return "***";
    }
}
