package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Instant;
import java.time.LocalDate;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * What keeps a job from being due at times of its schedule.
 *
 * @param start nothing before it is due; at it is
 * @param end nothing after it is due; at it is
 * @param excluded dates in the zone of the job on which it is not due; what falls on them is left out, not moved
 * @param maxExecutions the job is completed after so many
 */
public record Bounds(
        Optional<Instant> start, Optional<Instant> end, Set<LocalDate> excluded, OptionalLong maxExecutions) {

    public static final int EXCLUDED_LIMIT = 5 * 366;
    public static final Bounds NONE = new Bounds(Optional.empty(), Optional.empty(), Set.of(), OptionalLong.empty());

    public Bounds {
        start = start.map(instant -> Schedule.kept(instant, "the start of a job"));
        end = end.map(instant -> Schedule.kept(instant, "the end of a job"));
        require(
                start.isEmpty() || end.isEmpty() || !end.get().isBefore(start.get()),
                "the end of a job must not be before its start, was " + end + " and " + start);
        require(
                excluded.size() <= EXCLUDED_LIMIT,
                "at most " + EXCLUDED_LIMIT + " dates can be excluded, were " + excluded.size());
        excluded = Set.copyOf(excluded);
        require(
                maxExecutions.isEmpty() || maxExecutions.getAsLong() >= 1,
                "the greatest number of executions must be at least 1, was " + maxExecutions);
    }

    /** How many more executions there may be after so many; absent where there is no limit. */
    public OptionalLong remaining(long executions) {
        return maxExecutions.isEmpty()
                ? maxExecutions
                : OptionalLong.of(Math.max(0, maxExecutions.getAsLong() - executions));
    }
}
