package dev.orrery.domain.job;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * The times of a schedule from the first that was not dealt with, seen from their end. Computed, not stepped through: a
 * year of missed seconds costs no more than an hour.
 */
record DueTimes(Function<Instant, Optional<Instant>> schedule, Instant first) {

    /** So many times that are left out are counted one by one. */
    static final int COUNTED = 1_000;

    private static final Duration RESOLUTION = Duration.ofSeconds(1);

    /** The newest times, and those before them. */
    record Newest(List<Instant> times, Optional<FirePlan.Skip> before) {}

    /** All times from {@code start} to just before {@code end}. */
    List<Instant> between(Instant start, Instant end) {
        var times = new ArrayList<Instant>();
        var next = start.isAfter(first) ? schedule.apply(start.minusNanos(1)) : Optional.of(first);
        for (; isBefore(next, end); next = next.flatMap(schedule)) {
            next.ifPresent(times::add);
        }
        return times;
    }

    /** The newest {@code count} times before {@code end}. */
    Newest newest(int count, Instant end) {
        var newest = new ArrayDeque<Instant>();
        var last = first;
        var passed = 0;
        var next = Optional.of(first);
        for (; passed < COUNTED && isBefore(next, end); next = next.flatMap(schedule)) {
            next.ifPresent(newest::add);
            if (newest.size() > count) {
                last = newest.remove();
                passed++;
            }
        }
        if (isBefore(next, end)) {
            return search(count, end);
        }
        var before = passed == 0 ? Optional.<FirePlan.Skip>empty() : Optional.of(skip(last, OptionalInt.of(passed)));
        return new Newest(List.copyOf(newest), before);
    }

    /** By halving: are there still enough after the middle? */
    private Newest search(int count, Instant end) {
        var low = first;
        var high = end;
        while (Duration.between(low, high).compareTo(RESOLUTION) > 0) {
            var middle = low.plus(Duration.between(low, high).dividedBy(2));
            if (hasMoreThan(count, middle, end)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        var times = between(low, end);
        var newest = times.subList(times.size() - count, times.size());
        return new Newest(newest, Optional.of(skip(times.get(times.size() - count - 1), OptionalInt.empty())));
    }

    private boolean hasMoreThan(int count, Instant after, Instant end) {
        var next = schedule.apply(after);
        for (var n = 0; n < count && isBefore(next, end); n++) {
            next = next.flatMap(schedule);
        }
        return isBefore(next, end);
    }

    private FirePlan.Skip skip(Instant last, OptionalInt count) {
        return new FirePlan.Skip(first, last, count, FirePlan.Reason.MISFIRE);
    }

    private static boolean isBefore(Optional<Instant> time, Instant end) {
        return time.filter(end::isAfter).isPresent();
    }
}
