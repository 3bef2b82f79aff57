package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Due every so often, by the time that passes: at the anchor plus once, twice, three times the interval, and so on. A
 * function of the anchor and not of the time before: a clock that is put right shifts nothing.
 *
 * @param every 1 s to 366 days, in whole milliseconds
 * @param anchor the start of the job, at which it is not yet due
 */
public record Interval(Duration every, Instant anchor) implements Schedule {

    public static final Duration SHORTEST = Duration.ofSeconds(1);
    public static final Duration LONGEST = Duration.ofDays(366);

    public Interval {
        require(
                every.compareTo(SHORTEST) >= 0 && every.compareTo(LONGEST) <= 0,
                "an interval must be 1 s to 366 days, was " + every);
        require(every.toNanosPart() % 1_000_000 == 0, "an interval must be whole milliseconds, was " + every);
        anchor = Schedule.kept(anchor, "the start of an interval");
    }

    @Override
    public Optional<Instant> next(Instant after) {
        if (after.isAfter(LAST.minus(every))) {
            return Optional.empty();
        }
        if (after.isBefore(anchor)) {
            return Optional.of(anchor.plus(every)).filter(due -> !due.isAfter(LAST));
        }
        var passed = Duration.between(anchor, after).dividedBy(every);
        return Optional.of(anchor.plus(every.multipliedBy(passed + 1)));
    }
}
