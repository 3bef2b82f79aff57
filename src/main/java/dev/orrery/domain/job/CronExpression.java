package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.Optional;

/**
 * A cron expression, read: the local times at which it fires, to the second, on a calendar without zones.
 *
 * <p>As in Unix cron, a day matches either of day of month and day of week where both are restricted; a field that begins
 * with a star restricts nothing of the other, and then both must match.
 *
 * @param seconds bit n stands for second n, 0..59
 * @param minutes bit n stands for minute n, 0..59
 * @param hours bit n stands for hour n, 0..23
 * @param months bit n stands for month n, 1..12
 * @param hasFixedHour whether the hour is given without star and step: such a time of day is meant by the clock on the
 *     wall, all others by the time that passes
 */
public record CronExpression(
        long seconds,
        long minutes,
        int hours,
        int months,
        DaysOfMonth daysOfMonth,
        Weekdays weekdays,
        boolean hasFixedHour) {

    /** What comes at all comes within these years: the 29th of February on one weekday, when a leap year is left out. */
    private static final int SEARCHED_YEARS = 41;

    private static final long SIXTY = (1L << 60) - 1;
    private static final int DAY = (1 << 24) - 1;
    private static final int YEAR = 0x1ffe;

    public CronExpression {
        require(seconds != 0 && (seconds & ~SIXTY) == 0, "seconds are 0..59, at least one");
        require(minutes != 0 && (minutes & ~SIXTY) == 0, "minutes are 0..59, at least one");
        require(hours != 0 && (hours & ~DAY) == 0, "hours are 0..23, at least one");
        require(months != 0 && (months & ~YEAR) == 0, "months are 1..12, at least one");
    }

    /** The first time after this one; none where no such day comes. */
    public Optional<LocalDateTime> next(LocalDateTime after) {
        var from = after.withNano(0).plusSeconds(1);
        if (matches(from.toLocalDate())) {
            var time = timeFrom(from.toLocalTime());
            if (time.isPresent()) {
                return time.map(from.toLocalDate()::atTime);
            }
        }
        return nextDay(from.toLocalDate().plusDays(1)).map(day -> day.atTime(firstTime()));
    }

    private boolean matches(LocalDate day) {
        return (months & (1 << day.getMonthValue())) != 0 && matchesInMonth(day);
    }

    private boolean matchesInMonth(LocalDate day) {
        return (daysOfMonth.isStar() || weekdays.isStar())
                ? daysOfMonth.matches(day) && weekdays.matches(day)
                : daysOfMonth.matches(day) || weekdays.matches(day);
    }

    private Optional<LocalDate> nextDay(LocalDate from) {
        var end = from.plusYears(SEARCHED_YEARS);
        var day = from;
        while (day.isBefore(end)) {
            if ((months & (1 << day.getMonthValue())) == 0) {
                day = day.withDayOfMonth(1).plusMonths(1);
            } else if (matchesInMonth(day)) {
                return Optional.of(day);
            } else {
                day = day.plusDays(1);
            }
        }
        return Optional.empty();
    }

    private LocalTime firstTime() {
        return LocalTime.of(
                Integer.numberOfTrailingZeros(hours),
                Long.numberOfTrailingZeros(minutes),
                Long.numberOfTrailingZeros(seconds));
    }

    /** The first time of the day at or after this one. */
    private Optional<LocalTime> timeFrom(LocalTime time) {
        var hour = Integer.numberOfTrailingZeros(hours & (-1 << time.getHour()));
        if (hour == time.getHour()) {
            var minute = Long.numberOfTrailingZeros(minutes & (-1L << time.getMinute()));
            if (minute == time.getMinute()) {
                var second = Long.numberOfTrailingZeros(seconds & (-1L << time.getSecond()));
                if (second < 60) {
                    return Optional.of(LocalTime.of(hour, minute, second));
                }
                minute = Long.numberOfTrailingZeros(minutes & (-1L << time.getMinute()) & ~(1L << time.getMinute()));
            }
            if (minute < 60) {
                return Optional.of(LocalTime.of(hour, minute, Long.numberOfTrailingZeros(seconds)));
            }
            hour = Integer.numberOfTrailingZeros(hours & (-1 << time.getHour()) & ~(1 << time.getHour()));
        }
        return hour < 24
                ? Optional.of(
                        LocalTime.of(hour, Long.numberOfTrailingZeros(minutes), Long.numberOfTrailingZeros(seconds)))
                : Optional.empty();
    }
}
