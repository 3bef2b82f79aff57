package dev.orrery.cli.text;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** Times as people say them: {@code 420ms}, {@code 3.2s}, {@code 5m 12s}, {@code 2h 05m}; {@code 2m ago}. */
public final class HumanTime {

    private HumanTime() {}

    public static String of(Duration duration) {
        if (duration.isNegative()) {
            return "0ms";
        }
        if (duration.compareTo(Duration.ofSeconds(1)) < 0) {
            return duration.toMillis() + "ms";
        }
        if (duration.compareTo(Duration.ofMinutes(1)) < 0) {
            var tenths = duration.toMillis() / 100;
            return tenths / 10 + "." + tenths % 10 + "s";
        }
        if (duration.compareTo(Duration.ofHours(1)) < 0) {
            return duration.toMinutes() + "m " + twoDigits(duration.toSecondsPart()) + "s";
        }
        if (duration.compareTo(Duration.ofDays(1)) < 0) {
            return duration.toHours() + "h " + twoDigits(duration.toMinutesPart()) + "m";
        }
        return duration.toDays() + "d " + duration.toHoursPart() + "h";
    }

    private static String twoDigits(int number) {
        return String.format(Locale.ROOT, "%02d", number);
    }

    /** How long ago {@code then} was; clocks of two machines may differ, so a time just ahead counts as now. */
    public static String ago(Instant then, Instant now) {
        var passed = Duration.between(then, now);
        if (passed.compareTo(Duration.ofSeconds(1)) < 0) {
            return "now";
        }
        if (passed.compareTo(Duration.ofMinutes(1)) < 0) {
            return passed.toSeconds() + "s ago";
        }
        if (passed.compareTo(Duration.ofHours(1)) < 0) {
            return passed.toMinutes() + "m ago";
        }
        return passed.compareTo(Duration.ofDays(2)) < 0 ? passed.toHours() + "h ago" : passed.toDays() + "d ago";
    }
}
