package dev.orrery.domain.task;

import java.time.Duration;

/** Durations as people write them: {@code 10ms}, {@code 30s}, {@code 1h30m}, {@code 2d}. */
public final class Durations {

    private Durations() {}

    /** The shortest such text, to the millisecond; {@code 0s} for none. */
    public static String text(Duration duration) {
        var text = new StringBuilder();
        append(text, duration.toDays(), "d");
        append(text, duration.toHoursPart(), "h");
        append(text, duration.toMinutesPart(), "m");
        append(text, duration.toSecondsPart(), "s");
        append(text, duration.toMillisPart(), "ms");
        return text.isEmpty() ? "0s" : text.toString();
    }

    private static void append(StringBuilder text, long count, String unit) {
        if (count > 0) {
            text.append(count).append(unit);
        }
    }
}
