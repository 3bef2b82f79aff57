package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Remembers what followed {@code ::output } in the last line that begins so, and the same of {@code ::snooze }. */
final class OutputLineWatch implements LineWatch {

    private static final byte[] PREFIX = "::output ".getBytes(US_ASCII);
    private static final byte[] SNOOZE = "::snooze ".getBytes(US_ASCII);
    private static final int SNOOZE_LIMIT = 100;

    private byte @Nullable [] payload;
    private Optional<String> snooze = Optional.empty();

    @Override
    public void line(byte[] raw, int from, int to, long more) {
        if (to - from < PREFIX.length || raw[from] != ':') {
            return;
        }
        if (begins(raw, from, PREFIX)) {
            payload = Arrays.copyOfRange(raw, from + PREFIX.length, Math.min(to, from + longestLine()));
        } else if (begins(raw, from, SNOOZE)) {
            var length = Math.min(to - from - SNOOZE.length, SNOOZE_LIMIT);
            snooze = Optional.of(new String(raw, from + SNOOZE.length, length, UTF_8).strip());
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

    /** By how much the task puts itself off, as it was written; cut where it is long. */
    Optional<String> snooze() {
        return snooze;
    }

    /** Both prefixes are of one length. */
    private static boolean begins(byte[] raw, int from, byte[] prefix) {
        return Arrays.equals(raw, from, from + prefix.length, prefix, 0, prefix.length);
    }
}
