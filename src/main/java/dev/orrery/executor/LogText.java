package dev.orrery.executor;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;

/** What a line of a log may hold: UTF-8 without NUL, at most {@link #LINE_LIMIT} bytes. Colours and other control codes stay. */
public final class LogText {

    /** The longest line that is kept whole, in bytes; of a longer one its beginning is kept, and how much is missing. */
    public static final int LINE_LIMIT = 16 << 10;

    private static final char REPLACEMENT = '\uFFFD';
    private static final byte[] NONE = {};

    private LogText() {}

    /**
     * A line ready to be stored, with its line feed, made from the raw bytes of one.
     *
     * @param more how many bytes of the line the caller has dropped already
     */
    public static byte[] line(byte[] raw, int from, int to, long more) {
        if (from == to && more == 0) {
            return new byte[] {'\n'};
        }
        var cleaned = clean(raw, from, to);
        var kept = cleaned.length <= LINE_LIMIT ? cleaned.length : characterBoundary(cleaned, LINE_LIMIT);
        var missing = more + cleaned.length - kept;
        var remark = missing == 0 ? NONE : (" [line cut here: " + missing + " bytes more]").getBytes(UTF_8);
        var line = new byte[kept + remark.length + 1];
        System.arraycopy(cleaned, 0, line, 0, kept);
        System.arraycopy(remark, 0, line, kept, remark.length);
        line[line.length - 1] = '\n';
        return line;
    }

    /** The lines of a text, each ready to be stored, with its line feed. */
    public static List<String> lines(String text) {
        return text.lines()
                .map(one -> {
                    var raw = clean(one).getBytes(UTF_8);
                    return new String(line(raw, 0, raw.length, 0), UTF_8);
                })
                .toList();
    }

    /** Text without NUL and lone surrogates, which no PostgreSQL text takes: each becomes U+FFFD. */
    public static String clean(String text) {
        var bad = firstBad(text, 0);
        if (bad < 0) {
            return text;
        }
        var cleaned = new StringBuilder(text);
        for (; bad >= 0; bad = firstBad(text, bad + 1)) {
            cleaned.setCharAt(bad, REPLACEMENT);
        }
        return cleaned.toString();
    }

    private static byte[] clean(byte[] raw, int from, int to) {
        // Decoding turns every malformed sequence into U+FFFD; a NUL is well-formed and needs a hand.
        return new String(raw, from, to - from, UTF_8)
                .replace('\0', REPLACEMENT)
                .getBytes(UTF_8);
    }

    private static int firstBad(String text, int from) {
        for (var i = from; i < text.length(); i++) {
            var c = text.charAt(i);
            if (c == 0) {
                return i;
            }
            if (Character.isSurrogate(c)) {
                if (Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1))) {
                    i++;
                } else {
                    return i;
                }
            }
        }
        return -1;
    }

    /** The last place not after {@code limit} where a character of this UTF-8 text begins. */
    private static int characterBoundary(byte[] utf8, int limit) {
        var boundary = limit;
        while (boundary > 0 && (utf8[boundary] & 0xC0) == 0x80) {
            boundary--;
        }
        return boundary;
    }
}
