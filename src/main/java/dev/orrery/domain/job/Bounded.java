package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Optional;

/**
 * A schedule within bounds. How many executions there may be is no matter of time, and left to {@link FirePlan}.
 *
 * @param zone whose dates are excluded
 */
public record Bounded(Schedule schedule, Bounds bounds, ZoneId zone) implements Schedule {

    public Bounded {
        require(!(schedule instanceof Bounded), "a schedule has bounds but once");
    }

    @Override
    public Optional<Instant> next(Instant after) {
        var due = schedule.next(
                bounds.start().filter(after::isBefore).map(Bounded::justBefore).orElse(after));
        // Every round leaves an excluded date behind it, or at the most its half where midnight comes twice.
        while (due.isPresent() && isInTime(due.get()) && isExcluded(due.get())) {
            due = schedule.next(justBefore(nextDateAllowed(due.get())));
        }
        return due.filter(this::isInTime);
    }

    private boolean isInTime(Instant due) {
        return bounds.end().filter(due::isAfter).isEmpty();
    }

    private boolean isExcluded(Instant due) {
        return bounds.excluded().contains(LocalDate.ofInstant(due, zone));
    }

    /** The first instant of the first date after this one that is not excluded. */
    private Instant nextDateAllowed(Instant due) {
        var date = LocalDate.ofInstant(due, zone).plusDays(1);
        while (bounds.excluded().contains(date)) {
            date = date.plusDays(1);
        }
        var start = date.atStartOfDay(zone);
        var first = start.withEarlierOffsetAtOverlap().toInstant();
        return first.isAfter(due) ? first : start.withLaterOffsetAtOverlap().toInstant();
    }

    private static Instant justBefore(Instant instant) {
        return instant.minusNanos(1);
    }
}
