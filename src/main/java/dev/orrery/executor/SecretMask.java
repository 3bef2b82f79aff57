package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;

/**
 * Puts asterisks in the place of a secret wherever it stands in some bytes. It looks at one byte in as many as the secret is
 * long (Horspool's search), so that what is printed is hardly slowed down. From any thread.
 */
final class SecretMask {

    static final SecretMask NONE = new SecretMask("");

    private final byte[] secret;
    private final int[] skips = new int[256];

    /** Of ASCII; an empty one is nowhere. */
    SecretMask(String secret) {
        this.secret = secret.getBytes(US_ASCII);
        Arrays.fill(skips, this.secret.length);
        for (var at = 0; at < this.secret.length - 1; at++) {
            skips[this.secret[at] & 0xFF] = this.secret.length - 1 - at;
        }
    }

    /** How many bytes the secret has. */
    int length() {
        return secret.length;
    }

    /** Hides the secret in these bytes, wherever it is whole. */
    void hide(byte[] bytes, int from, int to) {
        if (secret.length == 0) {
            return;
        }
        for (var at = from; at + secret.length <= to; ) {
            if (Arrays.equals(bytes, at, at + secret.length, secret, 0, secret.length)) {
                Arrays.fill(bytes, at, at + secret.length, (byte) '*');
                at += secret.length;
            } else {
                at += skips[bytes[at + secret.length - 1] & 0xFF];
            }
        }
    }
}
