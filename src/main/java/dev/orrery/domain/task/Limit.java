package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a queue, a DAG or a key allows its tasks.
 *
 * @param maxRunning how many of them may be claimed at a time, 1 to 1,000,000; absent where that does not limit
 * @param rate how many of them may begin in a span of time
 */
public record Limit(OptionalInt maxRunning, Optional<Rate> rate) {

    public static final int MAX_RUNNING_MAX = 1_000_000;
    public static final Limit NONE = new Limit(OptionalInt.empty(), Optional.empty());

    public Limit {
        requireNonNull(maxRunning, "maxRunning");
        requireNonNull(rate, "rate");
        maxRunning.ifPresent(count ->
                require(count >= 1 && count <= MAX_RUNNING_MAX, "maxRunning must be 1..1000000, was " + count));
    }

    public static Limit ofRunning(int count) {
        return new Limit(OptionalInt.of(count), Optional.empty());
    }

    /** Whether it keeps nobody back. */
    public boolean isNone() {
        return maxRunning.isEmpty() && rate.isEmpty();
    }
}
