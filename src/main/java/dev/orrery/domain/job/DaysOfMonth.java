package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.DayOfWeek;
import java.time.LocalDate;
import java.util.Set;

/**
 * Which days of a month match.
 *
 * @param days bit n stands for day n, 1..31
 * @param beforeLast days counted from the last, which is 0
 * @param nearestWeekdays for day n the weekday nearest to it in the same month; nothing in months without a day n
 * @param lastWeekday whether the month's last day from Monday to Friday matches
 * @param isStar whether the field begins with a star, and by that only narrows what the day of week says
 */
public record DaysOfMonth(
        int days, Set<Integer> beforeLast, Set<Integer> nearestWeekdays, boolean lastWeekday, boolean isStar) {

    private static final int VALID = 0xffff_fffe;

    public DaysOfMonth {
        beforeLast = Set.copyOf(beforeLast);
        nearestWeekdays = Set.copyOf(nearestWeekdays);
        require((days & ~VALID) == 0, "days of a month are 1..31");
        require(beforeLast.stream().allMatch(n -> n >= 0 && n <= 30), "days before the last are 0..30");
        require(nearestWeekdays.stream().allMatch(n -> n >= 1 && n <= 31), "days of a month are 1..31");
        require(
                days != 0 || !beforeLast.isEmpty() || !nearestWeekdays.isEmpty() || lastWeekday,
                "at least one day of a month");
    }

    boolean matches(LocalDate date) {
        var day = date.getDayOfMonth();
        var last = date.lengthOfMonth();
        return (days & (1 << day)) != 0
                || beforeLast.contains(last - day)
                || (lastWeekday && day == lastWeekday(date, last))
                || nearestWeekdays.stream().anyMatch(wanted -> wanted <= last && day == nearest(date, wanted, last));
    }

    private static int lastWeekday(LocalDate month, int last) {
        return switch (month.withDayOfMonth(last).getDayOfWeek()) {
            case SATURDAY -> last - 1;
            case SUNDAY -> last - 2;
            default -> last;
        };
    }

    private static int nearest(LocalDate month, int wanted, int last) {
        var day = month.withDayOfMonth(wanted).getDayOfWeek();
        if (day == DayOfWeek.SATURDAY) {
            return wanted > 1 ? wanted - 1 : wanted + 2;
        }
        if (day == DayOfWeek.SUNDAY) {
            return wanted < last ? wanted + 1 : wanted - 2;
        }
        return wanted;
    }
}
