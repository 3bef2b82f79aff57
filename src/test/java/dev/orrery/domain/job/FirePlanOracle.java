package dev.orrery.domain.job;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a scheduler does that looks at one due time after the other: obviously right, and slow where there are many.
 *
 * @param times the whole schedule
 */
record FirePlanOracle(List<Instant> times, FirePolicy policy) {

    /** Every due time by what becomes of it; {@code held} is what is held afterwards. */
    record Outcome(
            List<Instant> fired,
            List<Instant> misfires,
            List<Instant> overlaps,
            boolean cancels,
            Optional<Instant> held,
            Optional<Instant> next) {}

    Outcome ask(JobTimer timer, Instant now) {
        var due = times.stream()
                .filter(time ->
                        timer.due().filter(first -> !time.isBefore(first)).isPresent())
                .filter(time -> !time.isAfter(now))
                .toList();
        var misfires = new ArrayList<Instant>();
        var asking = new ArrayList<>(timer.held().stream().toList());
        for (var n = 0; n < due.size(); n++) {
            (isMisfire(due, n, now) ? misfires : asking).add(due.get(n));
        }
        return oneByOne(timer, asking, misfires, now);
    }

    private boolean isMisfire(List<Instant> due, int n, Instant now) {
        var late = due.stream()
                .filter(time -> time.plus(policy.tolerance()).isBefore(now))
                .toList();
        return n < late.size()
                && switch (policy.misfire()) {
                    case SKIP -> true;
                    case FIRE_ALL -> n < late.size() - 100;
                    case FIRE_ONCE -> n < due.size() - 1;
                };
    }

    private Outcome oneByOne(JobTimer timer, List<Instant> asking, List<Instant> misfires, Instant now) {
        var left = timer.remaining().orElse(Long.MAX_VALUE);
        var fired = new ArrayList<Instant>();
        var overlaps = new ArrayList<Instant>();
        var held = Optional.<Instant>empty();
        var isDone = true;
        for (var time : asking) {
            var isRunning = timer.isRunning() || !fired.isEmpty();
            var replaces = policy.overlap() == OverlapPolicy.CANCEL_PREVIOUS && !fired.isEmpty();
            if (replaces) {
                overlaps.add(fired.removeLast());
                fired.add(time);
            } else if (left == 0) {
                break;
            } else if (policy.overlap() == OverlapPolicy.ALLOW && fired.size() == 20) {
                isDone = false;
                break;
            } else if (!isRunning
                    || policy.overlap() == OverlapPolicy.ALLOW
                    || policy.overlap() == OverlapPolicy.CANCEL_PREVIOUS) {
                fired.add(time);
                left--;
            } else if (policy.overlap() == OverlapPolicy.QUEUE_ONE && held.isEmpty()) {
                held = Optional.of(time);
                left--;
            } else {
                overlaps.add(time);
            }
        }
        var cancels = policy.overlap() == OverlapPolicy.CANCEL_PREVIOUS && timer.isRunning() && !fired.isEmpty();
        var next = isDone
                ? timer.due()
                        .flatMap(first -> times.stream()
                                .filter(time -> time.isAfter(now) && !time.isBefore(first))
                                .findFirst())
                : Optional.of(asking.get(20));
        return new Outcome(fired, misfires, overlaps, cancels, held, left == 0 ? Optional.empty() : next);
    }
}
