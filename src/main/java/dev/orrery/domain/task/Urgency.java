package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How pressing a task is: two plain values that it hands down to what it waits for, and from which its latest start
 * follows once it is ready.
 *
 * <p>High priority is little patience: a ready task of priority p wants to start within (10 − p) × {@link #AGING}, or
 * earlier where its deadline says so. The router takes the earliest. The key does not change with time, so waiting
 * needs no rewriting, and whatever becomes ready later than 10 × AGING cannot overtake: nothing starves.
 *
 * @param priority 0 (patient) to 10
 * @param mustStartBy deadline less estimate, where there is a deadline
 */
public record Urgency(double priority, Optional<Instant> mustStartBy) {

    public static final double MAX_PRIORITY = 10;
    public static final Duration AGING = Duration.ofSeconds(30);

    public Urgency {
        require(priority >= 0 && priority <= MAX_PRIORITY, "priority must be 0..10, was " + priority);
    }

    public static Urgency ofPriority(double priority) {
        return new Urgency(priority, Optional.empty());
    }

    /** The greater priority and the earlier start of both: what a task has that a more urgent one waits for. */
    public Urgency orMore(Urgency other) {
        var earliest = mustStartBy
                .flatMap(mine -> other.mustStartBy.map(theirs -> mine.isBefore(theirs) ? mine : theirs))
                .or(() -> mustStartBy.or(() -> other.mustStartBy));
        return new Urgency(Math.max(priority, other.priority), earliest);
    }

    /** When a task that became ready at this moment ought to start at the latest. */
    public Instant latestStart(Instant readyAt) {
        var patience = readyAt.plusMillis(Math.round((MAX_PRIORITY - priority) * AGING.toMillis()));
        var wanted = mustStartBy.filter(bound -> bound.isBefore(patience)).orElse(patience);
        return wanted.isBefore(readyAt) ? readyAt : wanted;
    }
}
