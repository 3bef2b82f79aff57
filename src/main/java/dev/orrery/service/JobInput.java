package dev.orrery.service;

import dev.orrery.domain.Json;
import dev.orrery.domain.job.JobType;
import dev.orrery.domain.job.MisfirePolicy;
import dev.orrery.domain.job.OverlapPolicy;
import dev.orrery.domain.job.ScheduledJob;
import dev.orrery.domain.job.ScheduledJob.Timing;
import dev.orrery.domain.job.ScheduledJob.Work;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** What a caller says of a job that is to be registered, by the kind of it. */
public sealed interface JobInput {

    Details details();

    /** The job that it describes. */
    ScheduledJob job();

    /** Fires by a cron text. */
    record ScheduledJobInput(Details details, String schedule) implements JobInput {

        @Override
        public ScheduledJob job() {
            return details.job(JobType.CRON, Optional.of(schedule), Optional.empty(), Optional.empty());
        }
    }

    /** Fires once; at once where that time is over. */
    record OneTimeJobInput(Details details, Instant runAt) implements JobInput {

        @Override
        public ScheduledJob job() {
            return details.job(JobType.ONE_TIME, Optional.empty(), Optional.empty(), Optional.of(runAt));
        }
    }

    /** Fires by an interval, counted from its start, or by a cron text; one of the two. */
    record RecurringJobInput(Details details, Optional<Duration> interval, Optional<String> schedule)
            implements JobInput {

        @Override
        public ScheduledJob job() {
            return details.job(JobType.RECURRING, schedule, interval, Optional.empty());
        }
    }

    /** What all kinds have. */
    record Details(
            String name,
            String timezone,
            Limits limits,
            MisfirePolicy misfire,
            OverlapPolicy overlap,
            Work work,
            List<String> tags,
            Optional<Json> metadata,
            Optional<String> createdBy) {

        private ScheduledJob job(
                JobType type, Optional<String> schedule, Optional<Duration> interval, Optional<Instant> runAt) {
            var timing = new Timing(
                    schedule,
                    interval,
                    runAt,
                    timezone,
                    limits.startAt,
                    limits.endAt,
                    limits.maxExecutions,
                    limits.excludedDates,
                    misfire,
                    overlap);
            return new ScheduledJob(name, type, timing, work, tags, metadata, createdBy);
        }
    }

    /** When a job may fire at all, and how often. */
    record Limits(
            Optional<Instant> startAt,
            Optional<Instant> endAt,
            OptionalInt maxExecutions,
            Set<LocalDate> excludedDates) {}
}
