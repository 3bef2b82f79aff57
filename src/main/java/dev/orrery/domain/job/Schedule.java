package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/** When a job is due: a function of time and of nothing else, so that whoever asks, and whenever, is told the same. */
public sealed interface Schedule permits CronSchedule, Interval, Once, Bounded {

    /** The last instant that a schedule can name. */
    Instant LAST = Instant.parse("9999-12-31T23:59:59.999999Z");

    /** The first due time after this instant; none where there is none. */
    Optional<Instant> next(Instant after);

    /** An instant as it is kept, to the microsecond: a due time that comes back from the database is still the same one. */
    static Instant kept(Instant instant, String name) {
        require(
                !instant.isBefore(Instant.EPOCH) && !instant.isAfter(LAST),
                name + " must be in the years 1970 to 9999, was " + instant);
        return instant.truncatedTo(ChronoUnit.MICROS);
    }
}
