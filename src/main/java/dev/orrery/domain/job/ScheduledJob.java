package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.RetryRules;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a user registered: when it fires, what it does then, and how it is called.
 *
 * @param metadata a JSON object that Orrery only keeps
 */
public record ScheduledJob(
        String name,
        JobType type,
        Timing timing,
        Work work,
        List<String> tags,
        Optional<Json> metadata,
        Optional<String> createdBy) {

    public static final Duration MIN_INTERVAL = Duration.ofSeconds(1);
    public static final Duration MAX_INTERVAL = Duration.ofDays(366);
    public static final int MAX_EXCLUDED_DATES = 1_830;

    public ScheduledJob {
        requireNonNull(name, "name");
        requireNonNull(type, "type");
        requireNonNull(timing, "timing");
        requireNonNull(work, "work");
        require(
                timing.isNone() == (type == JobType.EVENT),
                "a job has a schedule, an interval or a time, and one of events has none of them");
        tags = List.copyOf(tags);
        requireNonNull(metadata, "metadata");
        requireNonNull(createdBy, "createdBy");
    }

    /**
     * When a job fires: by a cron text, every interval, or at one instant; none of them where events make it fire.
     *
     * @param timezone the name of the zone in which cron text and excluded dates are meant
     * @param startAt no fire before; an interval is counted from here
     * @param endAt no fire after
     * @param maxExecutions how often it fires by itself at most
     * @param excludedDates days of the zone on which it does not fire
     */
    public record Timing(
            Optional<String> schedule,
            Optional<Duration> interval,
            Optional<Instant> runAt,
            String timezone,
            Optional<Instant> startAt,
            Optional<Instant> endAt,
            OptionalInt maxExecutions,
            Set<LocalDate> excludedDates,
            MisfirePolicy misfire,
            OverlapPolicy overlap) {

        /** That of a job which events make fire. */
        public static final Timing BY_EVENTS = new Timing(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "UTC",
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                Set.of(),
                MisfirePolicy.SKIP,
                OverlapPolicy.ALLOW);

        public Timing {
            require(
                    (schedule.isPresent() ? 1 : 0) + (interval.isPresent() ? 1 : 0) + (runAt.isPresent() ? 1 : 0) <= 1,
                    "a job has a schedule, an interval or a time, and only one of them");
            requireNonNull(timezone, "timezone");
            requireNonNull(startAt, "startAt");
            requireNonNull(endAt, "endAt");
            requireNonNull(maxExecutions, "maxExecutions");
            excludedDates = Set.copyOf(excludedDates);
            requireNonNull(misfire, "misfire");
            requireNonNull(overlap, "overlap");
        }

        /** Whether time does not make it fire. */
        public boolean isNone() {
            return schedule.isEmpty() && interval.isEmpty() && runAt.isEmpty();
        }
    }

    /**
     * What a job does when it fires.
     *
     * @param handler the name of a function, of what remote workers can do, or of a DAG
     * @param payload a JSON object, given to each execution
     * @param maxRetries how often a failed execution is tried again
     * @param retryDelay before the first of them; it doubles with each
     * @param timeout of one attempt
     * @param totalTimeout of all attempts of an execution together
     * @param rules after which failures it is tried again
     */
    public record Work(
            HandlerType type,
            String handler,
            Optional<Json> payload,
            int maxRetries,
            Duration retryDelay,
            Duration timeout,
            JobPriority priority,
            Optional<Duration> totalTimeout,
            RetryRules rules) {

        public static final int DEFAULT_RETRIES = 3;
        public static final Duration DEFAULT_RETRY_DELAY = Duration.ofMinutes(1);
        public static final Duration MAX_RETRY_DELAY = Duration.ofHours(1);
        public static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(5);

        public Work {
            requireNonNull(type, "type");
            requireNonNull(handler, "handler");
            requireNonNull(payload, "payload");
            require(maxRetries >= 0, "maxRetries must not be negative, was " + maxRetries);
            requireNonNull(retryDelay, "retryDelay");
            requireNonNull(timeout, "timeout");
            requireNonNull(priority, "priority");
            requireNonNull(totalTimeout, "totalTimeout");
            requireNonNull(rules, "rules");
        }

        /** Without a limit of all attempts together, and tried again as is usual. */
        public Work(
                HandlerType type,
                String handler,
                Optional<Json> payload,
                int maxRetries,
                Duration retryDelay,
                Duration timeout,
                JobPriority priority) {
            this(type, handler, payload, maxRetries, retryDelay, timeout, priority, Optional.empty(), RetryRules.NONE);
        }

        /** The same for all jobs that only give it something else to work on. */
        public Work withoutPayload() {
            return new Work(
                    type, handler, Optional.empty(), maxRetries, retryDelay, timeout, priority, totalTimeout, rules);
        }
    }
}
