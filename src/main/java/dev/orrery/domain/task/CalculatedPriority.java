package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;

/**
 * A single task's own priority, from 0 to 10: as it was submitted, raised a little with the length of the chain that it
 * ends, and with how many tasks wait for it, and moved by the weight of where it comes from. What it inherits from those
 * that wait for it is no part of this, see {@link Urgency}.
 */
public final class CalculatedPriority {

    /** More tasks than these that wait for one raise it no further. */
    public static final int MAX_BLOCKED = 1_000;

    private static final double OF_A_LEVEL = 0.1;
    private static final double OF_A_DOUBLING = 0.25;

    private CalculatedPriority() {}

    /**
     * In single precision, as it is kept.
     *
     * @param priority as submitted, 0 to 10
     * @param depth 0, or one more than the greatest of what it waits for
     * @param blocked how many tasks wait for it, directly, and have not ended
     * @param sourceWeight added as it is; may be negative
     */
    public static float of(int priority, int depth, int blocked, double sourceWeight) {
        require(priority >= 0 && priority <= Urgency.MAX_PRIORITY, "priority must be 0..10, was " + priority);
        require(depth >= 0, "depth must not be negative, was " + depth);
        require(blocked >= 0, "a task cannot block fewer than none, was " + blocked);
        var doublings = Math.log(1 + Math.min(blocked, MAX_BLOCKED)) / Math.log(2);
        var sum = priority + OF_A_LEVEL * depth + OF_A_DOUBLING * doublings + sourceWeight;
        return (float) Math.clamp(sum, 0, Urgency.MAX_PRIORITY);
    }
}
