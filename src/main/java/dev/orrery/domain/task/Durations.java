package dev.orrery.domain.task;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people write them: {@code 10ms}, {@code 30s}, {@code 1h30m}, {@code 2d}, or in the form of ISO 8601. */
public final class Durations {

    /** The units in falling order, each at most once; milliseconds are the smallest that count. */
    private static final Pattern PLAIN = Pattern.compile("(?=\\d)"
            + "(?:(?<days>\\d++)d)?(?:(?<hours>\\d++)h)?(?:(?<minutes>\\d++)m)?"
            + "(?:(?<seconds>\\d++)s)?(?:(?<millis>\\d++)ms)?");

    private static final Pattern ISO = Pattern.compile("P(?=.)"
            + "(?:(?<days>\\d++)D)?(?:T(?=\\d)(?:(?<hours>\\d++)H)?(?:(?<minutes>\\d++)M)?"
            + "(?:(?<seconds>\\d++)(?:\\.(?<millis>\\d{1,3}))?S)?)?");

    private static final Duration LONGEST = Duration.ofMillis(Long.MAX_VALUE);

    private Durations() {}

    /** Reads either form; one that is longer than milliseconds in a long can count comes back as just that long. */
    public static Optional<Duration> parse(String text) {
        var plain = PLAIN.matcher(text);
        if (plain.matches()) {
            return Optional.of(sum(plain, number(plain, "millis")));
        }
        var iso = ISO.matcher(text);
        return iso.matches() ? Optional.of(sum(iso, thousandths(iso.group("millis")))) : Optional.empty();
    }

    private static Duration sum(Matcher parts, long millis) {
        try {
            var seconds = Math.multiplyExact(number(parts, "days"), 86_400L);
            seconds = Math.addExact(seconds, Math.multiplyExact(number(parts, "hours"), 3_600L));
            seconds = Math.addExact(seconds, Math.multiplyExact(number(parts, "minutes"), 60L));
            seconds = Math.addExact(seconds, number(parts, "seconds"));
            return Duration.ofMillis(Math.addExact(Math.multiplyExact(seconds, 1_000L), millis));
        } catch (ArithmeticException _) {
            return LONGEST;
        }
    }

    private static long number(Matcher parts, String unit) {
        var digits = parts.group(unit);
        if (digits == null) {
            return 0;
        }
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException _) {
            return Long.MAX_VALUE;
        }
    }

    private static long thousandths(String digits) {
        return digits == null ? 0 : Long.parseLong((digits + "00").substring(0, 3));
    }

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
