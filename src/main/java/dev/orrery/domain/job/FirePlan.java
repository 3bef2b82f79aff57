package dev.orrery.domain.job;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * What is to be done about a job that is due. Of times that passed while nobody could act the last one fires ({@code
 * fire_once}), and where the execution before still runs not even that; what is left out is recorded. Computed, not
 * stepped through: a year of missed seconds costs no more than a minute.
 *
 * @param fire the due time that fires now
 * @param next when the job is due again; none where never
 */
public record FirePlan(Optional<Instant> fire, Optional<Instant> next, List<Skip> skips) {

    /** Why a due time did not fire. */
    public enum Reason implements dev.orrery.domain.WireNamed {
        /** It passed while nobody could act. */
        MISFIRE,
        /** The execution before was still running. */
        OVERLAP
    }

    /**
     * Due times that do not fire.
     *
     * @param count how many; unknown beyond {@link #COUNTED}
     */
    public record Skip(Instant first, Instant last, OptionalInt count, Reason reason) {}

    /** So many missed times are counted one by one. */
    static final int COUNTED = 1_000;

    private static final Duration RESOLUTION = Duration.ofSeconds(1);

    public FirePlan {
        skips = List.copyOf(skips);
    }

    /** For a job that was just registered: nothing is due before {@code now}. */
    public static FirePlan first(CronSchedule schedule, Instant now) {
        return new FirePlan(Optional.empty(), schedule.next(now), List.of());
    }

    /**
     * For a job that was due at {@code due}, not after {@code now}.
     *
     * @param isRunning whether its last execution has not ended
     */
    public static FirePlan of(CronSchedule schedule, Instant due, Instant now, boolean isRunning) {
        return of(schedule::next, due, now, isRunning);
    }

    static FirePlan of(Function<Instant, Optional<Instant>> schedule, Instant due, Instant now, boolean isRunning) {
        var missed = new Missed(schedule, due, now);
        var latest = missed.latest();
        var skips = new ArrayList<Skip>();
        missed.skip(latest).ifPresent(skips::add);
        if (isRunning) {
            skips.add(new Skip(latest, latest, OptionalInt.of(1), Reason.OVERLAP));
        }
        return new FirePlan(isRunning ? Optional.empty() : Optional.of(latest), schedule.apply(latest), skips);
    }

    /** The due times from {@code due} to {@code now}. */
    private record Missed(Function<Instant, Optional<Instant>> schedule, Instant due, Instant now) {

        /** The last of them, by halving: is there one after the middle? */
        Instant latest() {
            var found = due;
            var low = due;
            var high = now;
            while (Duration.between(low, high).compareTo(RESOLUTION) > 0) {
                var middle = low.plus(Duration.between(low, high).dividedBy(2));
                var next = notAfterNow(middle);
                if (next.isPresent()) {
                    found = next.get();
                    low = next.get();
                } else {
                    high = middle;
                }
            }
            for (var next = notAfterNow(found); next.isPresent(); next = notAfterNow(found)) {
                found = next.get();
            }
            return found;
        }

        private Optional<Instant> notAfterNow(Instant after) {
            return schedule.apply(after).filter(next -> !next.isAfter(now));
        }

        /** All but the latest. */
        Optional<Skip> skip(Instant latest) {
            if (!due.isBefore(latest)) {
                return Optional.empty();
            }
            var last = due;
            var count = 1;
            for (var next = schedule.apply(last).orElse(latest); next.isBefore(latest) && count < COUNTED; count++) {
                last = next;
                next = schedule.apply(last).orElse(latest);
            }
            return Optional.of(
                    count < COUNTED
                            ? new Skip(due, last, OptionalInt.of(count), Reason.MISFIRE)
                            : new Skip(due, latest.minus(RESOLUTION), OptionalInt.empty(), Reason.MISFIRE));
        }
    }
}
