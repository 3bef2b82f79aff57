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
        // Every round leaves an excluded date or a change of the clock behind it.
        while (due.isPresent() && isInTime(due.get()) && isExcluded(due.get())) {
            due = schedule.next(justBefore(afterExcluded(due.get())));
        }
        return due.filter(this::isInTime);
    }

    private boolean isInTime(Instant due) {
        return bounds.end().filter(due::isAfter).isEmpty();
    }

    private boolean isExcluded(Instant due) {
        return bounds.excluded().contains(LocalDate.ofInstant(due, zone));
    }

    /**
     * Where the first date begins that is not excluded. Seen from before a change of the clock that is just a guess, and
     * then it is asked again: where midnight comes twice, the date before comes back once more.
     */
    private Instant afterExcluded(Instant due) {
        var rules = zone.getRules();
        var offset = rules.getOffset(due);
        var date = LocalDate.ofInstant(due, offset).plusDays(1);
        while (bounds.excluded().contains(date)) {
            date = date.plusDays(1);
        }
        var start = date.atStartOfDay().toInstant(offset);
        var change = rules.nextTransition(due);
        return change == null || change.getInstant().isAfter(start) ? start : change.getInstant();
    }

    private static Instant justBefore(Instant instant) {
        return instant.minusNanos(1);
    }
}
