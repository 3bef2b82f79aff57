package dev.orrery.cron;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * When a schedule of five fields fires, found the slow way: every minute of a time is looked at, each value of a
 * field for itself. Shares nothing with what it judges but the rules of zones in the JDK.
 */
final class CronOracle {

    private final String[] fields;
    private final Set<Integer> minutes;
    private final Set<Integer> hours;
    private final Set<Integer> months;
    private final ZoneId zone;

    CronOracle(String schedule, ZoneId zone) {
        this.fields = schedule.split(" ");
        this.minutes = all(fields[0], 0, 59);
        this.hours = all(fields[1], 0, 23);
        this.months = all(fields[3], 1, 12);
        this.zone = zone;
    }

    /** All minutes after {@code from} up to {@code to} at which it fires. */
    List<Instant> fires(Instant from, Instant to) {
        var found = new ArrayList<Instant>();
        var wall = !fields[1].contains("*") && !fields[1].contains("/");
        for (var at = from.truncatedTo(ChronoUnit.MINUTES).plusSeconds(60); !at.isAfter(to); at = at.plusSeconds(60)) {
            var local = LocalDateTime.ofInstant(at, zone);
            if (wall ? firesByTheWall(at, local) : matches(local)) {
                found.add(at);
            }
        }
        return found;
    }

    /** It shows a time that matches for the first time, or has just left one out. */
    private boolean firesByTheWall(Instant at, LocalDateTime local) {
        var before = LocalDateTime.ofInstant(at.minusSeconds(60), zone);
        for (var left = before.plusMinutes(1); left.isBefore(local); left = left.plusMinutes(1)) {
            if (matches(left)) {
                return true;
            }
        }
        return matches(local) && !wasShownBefore(at, local);
    }

    private boolean wasShownBefore(Instant at, LocalDateTime local) {
        for (var back = Duration.ofMinutes(15);
                back.compareTo(Duration.ofHours(25)) <= 0;
                back = back.plusMinutes(15)) {
            if (LocalDateTime.ofInstant(at.minus(back), zone).equals(local)) {
                return true;
            }
        }
        return false;
    }

    private boolean matches(LocalDateTime time) {
        var date = time.toLocalDate();
        if (!minutes.contains(time.getMinute())
                || !hours.contains(time.getHour())
                || !months.contains(date.getMonthValue())) {
            return false;
        }
        var byDay = isDay(fields[2], date);
        var byWeekday = isWeekday(fields[4], date);
        return (fields[2].startsWith("*") || fields[4].startsWith("*")) ? byDay && byWeekday : byDay || byWeekday;
    }

    private static Set<Integer> all(String field, int min, int max) {
        return IntStream.rangeClosed(min, max)
                .filter(value -> is(field, value, min, max))
                .boxed()
                .collect(Collectors.toUnmodifiableSet());
    }

    private static boolean is(String field, int value, int min, int max) {
        return List.of(field.split(",")).stream()
                .anyMatch(part -> values(part, min, max).anyMatch(each -> each == value));
    }

    private static IntStream values(String part, int min, int max) {
        var slash = part.split("/");
        var step = slash.length == 2 ? Integer.parseInt(slash[1]) : 1;
        var ends = slash[0].split("-");
        var from = slash[0].equals("*") ? min : Integer.parseInt(ends[0]);
        var to = slash[0].equals("*") || (slash.length == 2 && ends.length == 1)
                ? max
                : Integer.parseInt(ends[ends.length - 1]);
        return IntStream.rangeClosed(from, to).filter(value -> (value - from) % step == 0);
    }

    private static boolean isDay(String field, LocalDate date) {
        return List.of(field.split(",")).stream().anyMatch(part -> {
            if (part.equals("L")) {
                return date.plusDays(1).getDayOfMonth() == 1;
            } else if (part.startsWith("L-")) {
                return date.plusDays(Integer.parseInt(part.substring(2)) + 1L).getDayOfMonth() == 1;
            } else if (part.equals("LW")) {
                return nearestWorkday(date, day -> day == date.lengthOfMonth(), true);
            } else if (part.endsWith("W")) {
                var wanted = Integer.parseInt(part.substring(0, part.length() - 1));
                return nearestWorkday(date, day -> day == wanted, false);
            }
            return is(part, date.getDayOfMonth(), 1, 31);
        });
    }

    /** Whether of all workdays of the month this one is nearest to the day that is wanted. */
    private static boolean nearestWorkday(LocalDate date, IntPredicate wanted, boolean onlyBefore) {
        if (!isWorkday(date)) {
            return false;
        }
        var target = IntStream.rangeClosed(1, date.lengthOfMonth())
                .filter(wanted)
                .boxed()
                .findFirst();
        if (target.isEmpty()) {
            return false;
        }
        var best = IntStream.rangeClosed(1, date.lengthOfMonth())
                .filter(day -> isWorkday(date.withDayOfMonth(day)))
                .filter(day -> !onlyBefore || day <= target.get())
                .boxed()
                .min((one, other) -> Integer.compare(Math.abs(one - target.get()), Math.abs(other - target.get())));
        return best.get() == date.getDayOfMonth();
    }

    private static boolean isWorkday(LocalDate date) {
        return date.getDayOfWeek() != DayOfWeek.SATURDAY && date.getDayOfWeek() != DayOfWeek.SUNDAY;
    }

    private static boolean isWeekday(String field, LocalDate date) {
        var day = date.getDayOfWeek().getValue() % 7;
        return List.of(field.split(",")).stream().anyMatch(part -> {
            if (part.contains("#")) {
                var number = part.charAt(2) - '0';
                return part.charAt(0) - '0' == day
                        && date.minusDays(7L * (number - 1)).getMonth() == date.getMonth()
                        && date.minusDays(7L * number).getMonth() != date.getMonth();
            } else if (part.endsWith("L")) {
                return part.charAt(0) - '0' == day && date.plusDays(7).getMonth() != date.getMonth();
            }
            return is(part, day, 0, 6);
        });
    }
}
