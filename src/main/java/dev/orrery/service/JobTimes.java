package dev.orrery.service;

import dev.orrery.cron.CronText;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.job.Bounded;
import dev.orrery.domain.job.Bounds;
import dev.orrery.domain.job.CronSchedule;
import dev.orrery.domain.job.Interval;
import dev.orrery.domain.job.Once;
import dev.orrery.domain.job.Schedule;
import dev.orrery.domain.job.ScheduledJob;
import dev.orrery.domain.job.ScheduledJob.Timing;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/** From what a job says of its times to the times. Reading a cron text takes too long for an event loop. */
final class JobTimes {

    private JobTimes() {}

    /** A cron text where it is meant; {@code spread}: whose place a {@code ~} in it stands for, if there is one. */
    record Cron(String text, String timezone, Optional<JobId> spread) {

        private static Cron of(JobId id, Timing timing) {
            var text = timing.schedule().orElseThrow();
            return new Cron(text, timing.timezone(), Optional.of(id).filter(_ -> text.contains("~")));
        }

        /** Takes a millisecond, where most of what is done with a job takes microseconds. */
        CronSchedule read() {
            return switch (CronText.read(text, spread.map(JobId::toString).orElse(""))) {
                case CronText.Reading.Read(var expressions) -> new CronSchedule(expressions, ZoneId.of(timezone));
                case CronText.Reading.Refused(var complaint) ->
                    throw new IllegalArgumentException(
                            "its schedule '" + text + "' is no cron expression that we take: " + complaint);
            };
        }
    }

    /**
     * When the job fires. Throws IllegalArgumentException where its cron text or its zone cannot be read.
     *
     * @param anchor what an interval is counted from where it has no start
     */
    static Schedule schedule(JobId id, Timing timing, Instant anchor) {
        return schedule(id, timing, anchor, Cron::read);
    }

    /** The same; {@code reader}: for one that remembers what it read. */
    static Schedule schedule(JobId id, Timing timing, Instant anchor, Function<Cron, CronSchedule> reader) {
        var bounds = bounds(timing);
        var times = timing.runAt()
                .<Schedule>map(Once::new)
                .or(() -> timing.interval()
                        .map(every -> new Interval(every, timing.startAt().orElse(anchor))))
                .orElseGet(() -> reader.apply(Cron.of(id, timing)));
        return bounds.equals(Bounds.NONE) ? times : new Bounded(times, bounds, zone(timing));
    }

    /** The zone of the schedule, and of excluded dates. */
    static ZoneId zone(Timing timing) {
        return ZoneId.of(timing.timezone());
    }

    static Bounds bounds(Timing timing) {
        return new Bounds(
                timing.startAt(),
                timing.endAt(),
                timing.excludedDates(),
                timing.maxExecutions().isPresent()
                        ? OptionalLong.of(timing.maxExecutions().getAsInt())
                        : OptionalLong.empty());
    }

    /** All that is wrong with the times of a job that is registered now. */
    static List<Problem> problems(JobId id, ScheduledJob job, Instant now) {
        var timing = job.timing();
        var problems = new ArrayList<Problem>();
        if (!ZoneId.getAvailableZoneIds().contains(timing.timezone())) {
            problems.add(Problem.at(
                    "timezone", ProblemCode.BAD_TIMEZONE, "no time zone is called '" + timing.timezone() + "'"));
        }
        timing.schedule().ifPresent(text -> {
            if (CronText.read(text, id.toString()) instanceof CronText.Reading.Refused(var complaint)) {
                problems.add(Problem.at("schedule", ProblemCode.BAD_CRON, complaint));
            }
        });
        timing.interval()
                .filter(every -> every.compareTo(ScheduledJob.MIN_INTERVAL) < 0
                        || every.compareTo(ScheduledJob.MAX_INTERVAL) > 0)
                .ifPresent(_ ->
                        problems.add(Problem.at("interval", ProblemCode.OUT_OF_RANGE, "an interval has 1 s to 366 d")));
        if (timing.startAt().isPresent()
                && timing.endAt().isPresent()
                && !timing.startAt().get().isBefore(timing.endAt().get())) {
            problems.add(Problem.at("endAt", ProblemCode.OUT_OF_RANGE, "the end is not after the start"));
        }
        if (problems.isEmpty()
                && job.timing().runAt().isEmpty()
                && firstFire(id, timing, now).isEmpty()) {
            problems.add(Problem.at(
                    timing.endAt().isPresent() ? "endAt" : "schedule",
                    ProblemCode.INVALID_VALUE,
                    "the job would never fire"));
        }
        return problems;
    }

    private static Optional<Instant> firstFire(JobId id, Timing timing, Instant now) {
        try {
            return schedule(id, timing, now).next(now);
        } catch (DateTimeException | ArithmeticException _) {
            return Optional.empty();
        }
    }
}
