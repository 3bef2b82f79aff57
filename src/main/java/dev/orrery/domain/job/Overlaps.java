package dev.orrery.domain.job;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which of the times that are to fire do so.
 *
 * @param asking in their order; first the one that was held
 */
record Overlaps(OverlapPolicy policy, JobTimer timer, List<Instant> asking) {

    FirePlan plan(Optional<Instant> next, List<FirePlan.Skip> misfires) {
        var alone = timer.isRunning() ? 0 : 1;
        return switch (policy) {
            case ALLOW -> allow(next, misfires);
            case SKIP -> oldest(alone, 0, next, misfires);
            case QUEUE_ONE -> oldest(alone, 1, next, misfires);
            case CANCEL_PREVIOUS -> newest(next, misfires);
        };
    }

    private FirePlan allow(Optional<Instant> next, List<FirePlan.Skip> misfires) {
        var firing = atMost(FirePlan.FIRES_AT_ONCE);
        var later = asking.stream().skip(firing).findFirst().or(() -> next);
        return plan(asking.subList(0, firing), Optional.empty(), later, misfires);
    }

    /** The oldest fire or wait; the others come too late for both. */
    private FirePlan oldest(int fires, int waits, Optional<Instant> next, List<FirePlan.Skip> misfires) {
        var firing = atMost(fires);
        var taken = atMost(fires + waits);
        var held = asking.subList(firing, taken).stream().findFirst();
        var skips = left(taken) == 0 ? misfires : with(misfires, taken, asking.size());
        return plan(asking.subList(0, firing), held, next, skips);
    }

    private FirePlan newest(Optional<Instant> next, List<FirePlan.Skip> misfires) {
        var firing = atMost(1);
        var others = asking.size() - firing;
        var skips = with(misfires, 0, others);
        return plan(asking.subList(others, asking.size()), Optional.empty(), next, skips);
    }

    private FirePlan plan(
            List<Instant> fires, Optional<Instant> held, Optional<Instant> next, List<FirePlan.Skip> skips) {
        return new FirePlan(
                fires,
                policy == OverlapPolicy.CANCEL_PREVIOUS && timer.isRunning() && !fires.isEmpty(),
                held,
                left(fires.size() + held.stream().count()) == 0 ? Optional.empty() : next,
                skips);
    }

    private int atMost(int wanted) {
        return (int) Math.min(Math.min(wanted, asking.size()), left(0));
    }

    /** How many executions there may still be after so many more. */
    private long left(long more) {
        return timer.remaining().orElse(Long.MAX_VALUE) - more;
    }

    /** The one that was held stands by itself: between it and the others there may be times that were skipped before. */
    private List<FirePlan.Skip> with(List<FirePlan.Skip> skips, int from, int to) {
        var first = from == 0 && to > 0 && timer.held().isPresent() ? 1 : from;
        var all = new ArrayList<>(skips);
        skip(asking.subList(from, first)).ifPresent(all::add);
        skip(asking.subList(first, to)).ifPresent(all::add);
        return all;
    }

    private static Optional<FirePlan.Skip> skip(List<Instant> times) {
        return times.isEmpty()
                ? Optional.empty()
                : Optional.of(new FirePlan.Skip(
                        times.getFirst(), times.getLast(), OptionalInt.of(times.size()), FirePlan.Reason.OVERLAP));
    }
}
