package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.json.Json;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;

/** How a secret may come to light without any intent: whole or line by line, and as tools write it into other texts. */
final class SecretForms {

    /** What is shorter stands in every second line by chance; hiding it would hide the lines. */
    static final int MIN_LENGTH = 4;

    /** What RFC 3986, JavaScript and Python, and forms leave as it is. */
    private static final List<String> KEPT_IN_URLS = List.of("-._~", "-._~!'()*", "-._~/", "-._*");

    /** Where base64(1) and openssl(1) end their lines. */
    private static final List<Integer> LINE_LENGTHS = List.of(76, 64);

    private static final int ASCII = 128;

    private SecretForms() {}

    static Collection<String> of(String secret) {
        var forms = new LinkedHashSet<String>();
        for (var line : secret.lines().map(String::strip).toList()) {
            addTexts(line, forms);
        }
        addTexts(secret, forms);
        for (var kept : KEPT_IN_URLS) {
            var encoded = inUrl(secret, kept);
            for (var form : List.of(encoded, lowerCase(encoded))) {
                forms.add(form);
                forms.add(form.replace("%20", "+"));
            }
        }
        addBase64(secret.getBytes(UTF_8), forms);
        forms.removeIf(form -> form.length() < MIN_LENGTH || form.indexOf('\n') >= 0);
        return forms;
    }

    /** As it stands within the quotes of a JSON text. */
    static String inJson(String text) {
        var quoted = Json.encode(text);
        return quoted.substring(1, quoted.length() - 1);
    }

    private static void addTexts(String text, Collection<String> into) {
        var json = inJson(text);
        into.addAll(List.of(text, json, inAscii(json), json.replace("/", "\\/")));
    }

    /** As JSON is written by those who trust in ASCII alone. */
    private static String inAscii(String json) {
        var ascii = new StringBuilder();
        json.chars().forEach(c -> {
            if (c < ASCII) {
                ascii.append((char) c);
            } else {
                ascii.append(String.format(Locale.ROOT, "\\u%04x", c));
            }
        });
        return ascii.toString();
    }

    private static String inUrl(String text, String kept) {
        var encoded = new StringBuilder();
        for (var each : text.getBytes(UTF_8)) {
            var isKept = each > 0 && (isLetterOrDigit(each) || kept.indexOf(each) >= 0);
            encoded.append(isKept ? String.valueOf((char) each) : String.format(Locale.ROOT, "%%%02X", each & 0xFF));
        }
        return encoded.toString();
    }

    private static boolean isLetterOrDigit(byte each) {
        return (each >= '0' && each <= '9') || (each >= 'A' && each <= 'Z') || (each >= 'a' && each <= 'z');
    }

    /** The digits of the escapes, and nothing else. */
    private static String lowerCase(String encoded) {
        var lower = new StringBuilder(encoded);
        for (var at = encoded.indexOf('%'); at >= 0; at = encoded.indexOf('%', at + 1)) {
            lower.replace(at, at + 3, encoded.substring(at, at + 3).toLowerCase(Locale.ROOT));
        }
        return lower.toString();
    }

    /**
     * Base64 writes three bytes as four characters, so what stands before the secret (a user's name, as in Basic authentication)
     * shifts it, and what follows (a line feed, as of echo) changes its end. Each shift has a middle part that is always the
     * same. Alone it may be broken into lines.
     */
    private static void addBase64(byte[] secret, Collection<String> into) {
        var encoder = Base64.getEncoder();
        for (var before = 0; before < 3; before++) {
            var shifted = new byte[before + secret.length];
            System.arraycopy(secret, 0, shifted, before, secret.length);
            var characters = encoder.withoutPadding().encodeToString(shifted);
            var middle = characters.substring(before == 0 ? 0 : before + 1, shifted.length * 8 / 6);
            into.add(middle);
            into.add(middle.replace('+', '-').replace('/', '_'));
        }
        var alone = encoder.encodeToString(secret);
        into.add(alone);
        into.add(alone.replace('+', '-').replace('/', '_'));
        for (var length : LINE_LENGTHS) {
            var lines = alone.replaceAll("(.{" + length + "})", "$1\n").split("\n", -1);
            into.addAll(Arrays.stream(lines).filter(line -> lines.length > 1).toList());
        }
    }
}
