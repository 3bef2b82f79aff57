package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;

/**
 * How much of its {@code totalTimeout} a task has used: the time since its first attempt began, with all attempts, also those
 * that were lost, and the waits between them. It begins anew where the count of retries does: after a redrive or a retry that
 * someone asked for, and after an attempt that put itself off.
 *
 * @param total the limit of all attempts together
 * @param used how long ago the first of them began
 */
public record TotalTime(Duration total, Duration used) {

    public TotalTime {
        require(total.isPositive(), "total must be positive, was " + total);
        require(!used.isNegative(), "used must not be negative, was " + used);
    }

    /** The same after this time. */
    public TotalTime after(Duration time) {
        return new TotalTime(total, used.plus(time));
    }

    /** How long an attempt may take that begins now; zero where none may. */
    public Duration left() {
        return isOver() ? Duration.ZERO : total.minus(used);
    }

    /** Whether no attempt may go on, or begin. */
    public boolean isOver() {
        return used.compareTo(total) >= 0;
    }

    /** The limit of an attempt that begins now, of a task with this limit of each attempt. */
    public Duration limit(Duration timeout) {
        return endsFirst(timeout) ? left() : timeout;
    }

    /** Whether an attempt that begins now is stopped because the total is over, and not for its own limit. */
    public boolean endsFirst(Duration timeout) {
        return left().compareTo(timeout) < 0;
    }

    /** Whether another attempt can begin after this wait. */
    public boolean allowsAfter(Duration delay) {
        return delay.compareTo(left()) < 0;
    }
}
