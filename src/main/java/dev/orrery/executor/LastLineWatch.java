package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Optional;

/** Remembers the last line that is not blank: with luck it says why a process failed. */
final class LastLineWatch implements LineWatch {

    private final byte[] last = new byte[300];
    private int length;

    @Override
    public void line(byte[] raw, int from, int to, long more) {
        if (isBlank(raw, from, to)) {
            return;
        }
        length = Math.min(to - from, last.length);
        System.arraycopy(raw, from, last, 0, length);
    }

    @Override
    public int longestLine() {
        return last.length;
    }

    Optional<String> lastLine() {
        var text = LogText.clean(new String(last, 0, length, UTF_8)).strip();
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private static boolean isBlank(byte[] raw, int from, int to) {
        for (var i = from; i < to; i++) {
            if (raw[i] > ' ' || raw[i] < 0) {
                return false;
            }
        }
        return true;
    }
}
