package dev.orrery.domain.task;

import java.time.Duration;
import java.util.Optional;

/** By how much a task may put itself off, and how often. */
public final class SnoozeRule {

    public static final Duration MIN = Duration.ofSeconds(1);
    public static final Duration MAX = Duration.ofDays(30);

    /** Attempts with a greater number can put nothing off: whoever looks in every hour does so for six weeks. */
    public static final int ATTEMPTS_MAX = 1_000;

    private SnoozeRule() {}

    /** The time that a text means; nothing where it is no duration, or one beyond the bounds. */
    public static Optional<Duration> parse(String text) {
        return Durations.parse(text).filter(SnoozeRule::isFit);
    }

    /** Whether a task may put itself off by this time. */
    public static boolean isFit(Duration time) {
        return time.compareTo(MIN) >= 0 && time.compareTo(MAX) <= 0;
    }

    /** What is said of a time that is not fit. */
    public static String bounds() {
        return "a task puts itself off by " + Durations.text(MIN) + " to " + Durations.text(MAX) + ", such as 10m";
    }
}
