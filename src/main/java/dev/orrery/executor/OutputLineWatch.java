package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Remembers what followed {@code ::output } in the last line that begins so. */
final class OutputLineWatch implements LineWatch {

    private static final byte[] PREFIX = "::output ".getBytes(US_ASCII);

    private byte @Nullable [] payload;

    @Override
    public void line(byte[] raw, int from, int to, long more) {
        if (to - from >= PREFIX.length && raw[from] == ':' && beginsWithPrefix(raw, from)) {
            payload = Arrays.copyOfRange(raw, from + PREFIX.length, Math.min(to, from + longestLine()));
        }
    }

    @Override
    public int longestLine() {
        return PREFIX.length + OutputJson.LIMIT + 1;
    }

    /** Longer than {@link OutputJson#LIMIT} if the line was; null if there was no such line. */
    byte @Nullable [] payload() {
        return payload;
    }

    private static boolean beginsWithPrefix(byte[] raw, int from) {
        return Arrays.equals(raw, from, from + PREFIX.length, PREFIX, 0, PREFIX.length);
    }
}
