package dev.orrery.executor;

import java.util.Arrays;

/**
 * Cuts the raw output of a process into lines for its log: cleaned, limited in length, and copied as little as
 * possible, so that a task which prints a gigabyte is not slowed down.
 */
final class LineSplitter {

    /** Takes blocks of whole, clean lines, each with its line feed. */
    @FunctionalInterface
    interface Lines {
        void take(byte[] block, int from, int to);
    }

    private static final byte[] NOTHING = {};

    private final Lines lines;
    private final LineWatch watch;
    private final SecretMask mask;
    private final int heldLimit;

    // The beginning of a line whose end has not come yet, and how many of its bytes were too many to keep.
    private byte[] held = NOTHING;
    private int heldLength;
    private long dropped;

    LineSplitter(Lines lines, LineWatch watch) {
        this(lines, watch, SecretMask.NONE);
    }

    /** {@code mask}: hides in each line what nobody is to see. */
    LineSplitter(Lines lines, LineWatch watch, SecretMask mask) {
        this.lines = lines;
        this.watch = watch;
        this.mask = mask;
        // What begins within what is kept is held to its end, so that no cut leaves a part of it unseen.
        this.heldLimit = Math.max(LogText.LINE_LIMIT + 1, watch.longestLine()) + mask.length();
    }

    /** Takes the next bytes of the stream; the block may be changed, and used again afterwards. */
    void accept(byte[] block, int length) {
        var start = 0;
        if (heldLength > 0) {
            var end = indexOfLineFeed(block, length);
            hold(block, 0, end < 0 ? length : end);
            if (end < 0) {
                return;
            }
            endHeldLine();
            start = end + 1;
        }
        var rest = endOfLastLine(block, start, length);
        // Only lines that are whole: what hides one secret must not hide the beginning of another.
        mask.hide(block, start, rest);
        passWholeLines(block, start, rest);
        hold(block, rest, length);
    }

    /** The stream has ended; what stands without a line feed is its last line. */
    void end() {
        if (heldLength > 0) {
            endHeldLine();
        }
    }

    /** Passes on these whole lines, in runs as long as they need no cleaning. */
    private void passWholeLines(byte[] block, int from, int length) {
        var run = from;
        var line = from;
        var clean = true;
        for (var i = from; i < length; i++) {
            var b = block[i];
            if (b == '\n') {
                if (clean && i - line <= LogText.LINE_LIMIT) {
                    watch.line(block, line, i, 0);
                } else {
                    passRun(block, run, line);
                    passLine(block, line, i, 0);
                    run = i + 1;
                }
                line = i + 1;
                clean = true;
            } else if (b <= 0) {
                // NUL, or a byte of a character beyond ASCII that may be malformed.
                clean = false;
            }
        }
        passRun(block, run, line);
    }

    private void passRun(byte[] block, int from, int to) {
        if (from < to) {
            lines.take(block, from, to);
        }
    }

    private void passLine(byte[] raw, int from, int to, long more) {
        watch.line(raw, from, to, more);
        var line = LogText.line(raw, from, to, more);
        lines.take(line, 0, line.length);
    }

    private void hold(byte[] block, int from, int to) {
        var kept = Math.min(to - from, heldLimit - heldLength);
        if (held.length < heldLength + kept) {
            held = Arrays.copyOf(held, Math.min(heldLimit, Math.max(2 * held.length, heldLength + kept)));
        }
        System.arraycopy(block, from, held, heldLength, kept);
        heldLength += kept;
        dropped += to - from - kept;
    }

    private void endHeldLine() {
        mask.hide(held, 0, heldLength);
        passLine(held, 0, heldLength, dropped);
        heldLength = 0;
        dropped = 0;
    }

    private static int endOfLastLine(byte[] block, int from, int length) {
        var end = length;
        while (end > from && block[end - 1] != '\n') {
            end--;
        }
        return end;
    }

    private static int indexOfLineFeed(byte[] block, int length) {
        for (var i = 0; i < length; i++) {
            if (block[i] == '\n') {
                return i;
            }
        }
        return -1;
    }
}
