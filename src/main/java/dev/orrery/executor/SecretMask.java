package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * Puts asterisks in the place of secrets wherever they stand in some bytes. It looks at one byte in as many as a secret is
 * long (Horspool's search), so that what is printed is hardly slowed down. From any thread.
 */
final class SecretMask {

    static final SecretMask NONE = new SecretMask(List.of());

    /** A secret, and how far to go on where its last byte does not fit. */
    private static final class Sought {

        final byte[] bytes;
        final int[] skips;

        Sought(byte[] bytes, int[] skips) {
            this.bytes = bytes;
            this.skips = skips;
        }

        static Sought of(String secret) {
            var bytes = secret.getBytes(UTF_8);
            var skips = new int[256];
            Arrays.fill(skips, bytes.length);
            for (var at = 0; at < bytes.length - 1; at++) {
                skips[bytes[at] & 0xFF] = bytes.length - 1 - at;
            }
            return new Sought(bytes, skips);
        }

        boolean standsAt(byte[] text, int at) {
            return Arrays.equals(text, at, at + bytes.length, bytes, 0, bytes.length);
        }
    }

    private record Place(int from, int to) {}

    private final Sought[] secrets;
    private final int longest;

    /** Of one secret. */
    SecretMask(String secret) {
        this(List.of(secret));
    }

    /** An empty one is nowhere. None may have a line feed: what is hidden are lines. */
    SecretMask(Collection<String> secrets) {
        this.secrets = secrets.stream()
                .filter(secret -> !secret.isEmpty())
                .distinct()
                .map(Sought::of)
                .toArray(Sought[]::new);
        this.longest = Arrays.stream(this.secrets)
                .mapToInt(secret -> secret.bytes.length)
                .max()
                .orElse(0);
    }

    /** How many bytes the longest secret has. */
    int length() {
        return longest;
    }

    /** Hides the secrets in these bytes, wherever they are whole. They may overlap. */
    void hide(byte[] bytes, int from, int to) {
        // Found first and hidden afterwards: what hides one secret must not hide another from the search.
        var places = new ArrayList<Place>(0);
        for (var secret : secrets) {
            find(secret, bytes, from, to, places);
        }
        for (var place : places) {
            Arrays.fill(bytes, place.from, place.to, (byte) '*');
        }
    }

    /** The text with the secrets hidden. */
    String hidden(String text) {
        if (secrets.length == 0) {
            return text;
        }
        var bytes = text.getBytes(UTF_8);
        hide(bytes, 0, bytes.length);
        return new String(bytes, UTF_8);
    }

    private static void find(Sought secret, byte[] bytes, int from, int to, List<Place> places) {
        var length = secret.bytes.length;
        var begin = -1;
        var end = -1;
        for (var at = from; at + length <= to; at += secret.skips[bytes[at + length - 1] & 0xFF]) {
            if (!secret.standsAt(bytes, at)) {
                continue;
            }
            if (at > end) {
                add(begin, end, places);
                begin = at;
            }
            end = at + length;
        }
        add(begin, end, places);
    }

    private static void add(int begin, int end, List<Place> places) {
        if (begin >= 0) {
            places.add(new Place(begin, end));
        }
    }
}
