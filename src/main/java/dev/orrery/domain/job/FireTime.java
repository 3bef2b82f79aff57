package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.WireNamed;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A due time to come, as the people see it who live in the zone of the job.
 *
 * @param local what the clock on the wall shows
 * @param offset by how much it is ahead of UTC
 * @param clockChange what a change of the clock did to it
 * @param meant the time on the wall that this one stands for, where it is skipped
 */
public record FireTime(
        Instant at,
        LocalDateTime local,
        ZoneOffset offset,
        Optional<ClockChange> clockChange,
        Optional<LocalDateTime> meant) {

    /** What a change of the clock does to a time of day. */
    public enum ClockChange implements WireNamed {
        /** The clock is put forward past it: due at the first instant after the gap. */
        SKIPPED,
        /** The clock is put back and shows it twice: due the first time only. */
        REPEATED
    }

    public static final int PREVIEW_LIMIT = 100;

    /**
     * The next due times after this instant, fewer where there are no more.
     *
     * @param zone in which they are told
     * @param count 1 to {@value #PREVIEW_LIMIT}
     */
    public static List<FireTime> preview(Schedule schedule, ZoneId zone, Instant after, int count) {
        require(
                count >= 1 && count <= PREVIEW_LIMIT,
                "the number of times must be 1 to " + PREVIEW_LIMIT + ", was " + count);
        var times = new ArrayList<FireTime>();
        for (var next = schedule.next(after);
                next.isPresent() && times.size() < count;
                next = next.flatMap(schedule::next)) {
            next.map(at -> of(schedule, zone, at)).ifPresent(times::add);
        }
        return times;
    }

    private static FireTime of(Schedule schedule, ZoneId zone, Instant at) {
        var meant = leftOut(schedule, at);
        var change = meant.isPresent()
                ? Optional.of(ClockChange.SKIPPED)
                : Optional.of(ClockChange.REPEATED).filter(_ -> isFirstOfTwo(schedule, at));
        var offset = zone.getRules().getOffset(at);
        return new FireTime(at, LocalDateTime.ofInstant(at, offset), offset, change, meant);
    }

    private static Optional<LocalDateTime> leftOut(Schedule schedule, Instant at) {
        return switch (schedule) {
            case CronSchedule cron -> cron.leftOutAt(at);
            case Bounded bounded -> leftOut(bounded.schedule(), at);
            case Interval _, Once _ -> Optional.empty();
        };
    }

    private static boolean isFirstOfTwo(Schedule schedule, Instant at) {
        return switch (schedule) {
            case CronSchedule cron -> cron.isFirstOfTwo(at);
            case Bounded bounded -> isFirstOfTwo(bounded.schedule(), at);
            case Interval _, Once _ -> false;
        };
    }
}
