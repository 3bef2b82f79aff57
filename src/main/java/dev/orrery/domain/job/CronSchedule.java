package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * When cron expressions fire in a zone. A time of day with a fixed hour is one of the clock on the wall: where the clock
 * is put forward past it, it fires at the first instant after the gap; where the clock is put back and shows it twice, it
 * fires the first time only. With a star or a step in the hour it follows the time that passes: nothing in the gap, and
 * both of the hours that look alike.
 *
 * @param expressions it fires when any of them does; at one instant once
 */
public record CronSchedule(List<CronExpression> expressions, ZoneId zone) implements Schedule {

    public CronSchedule {
        expressions = List.copyOf(expressions);
        require(!expressions.isEmpty(), "a schedule needs an expression");
    }

    @Override
    public Optional<Instant> next(Instant after) {
        return expressions.stream()
                .flatMap(expression -> next(expression, after).stream())
                .min(Instant::compareTo);
    }

    private Optional<Instant> next(CronExpression expression, Instant after) {
        return expression.hasFixedHour() ? nextByTheWall(expression, after) : nextByTimePassed(expression, after);
    }

    /** Local times only grow here, and the instants that stand for them never shrink, so the first that is later is it. */
    private Optional<Instant> nextByTheWall(CronExpression expression, Instant after) {
        var local = expression.next(LocalDateTime.ofInstant(after, zone));
        while (local.isPresent()) {
            var instant = instantOf(local.get());
            if (instant.isAfter(after)) {
                return Optional.of(instant);
            }
            local = expression.next(local.get());
        }
        return Optional.empty();
    }

    private Instant instantOf(LocalDateTime local) {
        var rules = zone.getRules();
        var transition = rules.getTransition(local);
        if (transition != null && transition.isGap()) {
            return transition.getInstant();
        }
        return local.toInstant(rules.getValidOffsets(local).getFirst());
    }

    /** From one change of the clock to the next the offset stands still, and local times are a time line. */
    private Optional<Instant> nextByTimePassed(CronExpression expression, Instant after) {
        var rules = zone.getRules();
        var offset = rules.getOffset(after);
        var local = expression.next(LocalDateTime.ofInstant(after, offset));
        var change = rules.nextTransition(after);
        while (local.isPresent()) {
            var instant = local.get().toInstant(offset);
            if (change == null || instant.isBefore(change.getInstant())) {
                return Optional.of(instant);
            }
            offset = change.getOffsetAfter();
            local = expression.next(justBefore(change.getInstant(), offset));
            change = rules.nextTransition(change.getInstant());
        }
        return Optional.empty();
    }

    private static LocalDateTime justBefore(Instant instant, ZoneOffset offset) {
        return LocalDateTime.ofInstant(instant, offset).minusSeconds(1);
    }

    /** The time on the wall that a change of the clock leaves out, and that this due time stands for. */
    Optional<LocalDateTime> leftOutAt(Instant due) {
        var change = zone.getRules().nextTransition(due.minusNanos(1));
        if (change == null || !change.isGap() || !change.getInstant().equals(due)) {
            return Optional.empty();
        }
        return fixed().flatMap(
                        expression -> expression.next(change.getDateTimeBefore().minusSeconds(1)).stream())
                .filter(change.getDateTimeAfter()::isAfter)
                .min(LocalDateTime::compareTo);
    }

    /** Whether the clock on the wall shows this due time twice, and the second time is none. */
    boolean isFirstOfTwo(Instant due) {
        var local = LocalDateTime.ofInstant(due, zone);
        var change = zone.getRules().getTransition(local);
        return change != null
                && change.isOverlap()
                && due.isBefore(change.getInstant())
                && next(due.plus(change.getDuration().abs()).minusNanos(1))
                        .filter(due.plus(change.getDuration().abs())::equals)
                        .isEmpty();
    }

    private Stream<CronExpression> fixed() {
        return expressions.stream().filter(CronExpression::hasFixedHour);
    }
}
