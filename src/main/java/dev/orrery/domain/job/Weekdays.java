package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.DayOfWeek;
import java.time.LocalDate;
import java.util.Set;

/**
 * Which days of a week match.
 *
 * @param days bit n stands for day n, where Sunday is 0 and Saturday 6
 * @param nths such as the second Tuesday of the month
 * @param last such as the last Friday of the month
 * @param isStar whether the field begins with a star, and by that only narrows what the day of month says
 */
public record Weekdays(int days, Set<Nth> nths, Set<DayOfWeek> last, boolean isStar) {

    /** {@code number} 1..5 of this day in a month. */
    public record Nth(DayOfWeek day, int number) {
        public Nth {
            require(number >= 1 && number <= 5, "a month has 1..5 of each weekday");
        }
    }

    private static final int VALID = 0x7f;

    public Weekdays {
        nths = Set.copyOf(nths);
        last = Set.copyOf(last);
        require((days & ~VALID) == 0, "days of a week are 0..6");
        require(days != 0 || !nths.isEmpty() || !last.isEmpty(), "at least one day of a week");
    }

    boolean matches(LocalDate date) {
        var day = date.getDayOfWeek();
        return (days & (1 << day.getValue() % 7)) != 0
                || (last.contains(day) && date.getDayOfMonth() + 7 > date.lengthOfMonth())
                || nths.contains(new Nth(day, (date.getDayOfMonth() + 6) / 7));
    }
}
