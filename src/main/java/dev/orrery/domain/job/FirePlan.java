package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * What is to be done about a job: which of its due times fire now and which do not, by its policies for misfires and for
 * overlaps. Each due time fires, is held or is recorded as skipped, once, however often and however late it is asked for.
 *
 * <p>The policy for overlaps is asked for each of the times in their order, and one that fires counts as running for the
 * ones after it: of several that are due at once only {@code allow} fires all.
 *
 * @param fires the due times that fire now, in their order
 * @param cancelsPrevious whether what runs is to be cancelled
 * @param held the due time that fires when what runs has ended
 * @param next when the job is due again, which is already so where there was too much to fire at once; none where never
 */
public record FirePlan(
        List<Instant> fires,
        boolean cancelsPrevious,
        Optional<Instant> held,
        Optional<Instant> next,
        List<Skip> skips) {

    /** Why a due time did not fire. */
    public enum Reason implements dev.orrery.domain.WireNamed {
        /** It passed while nobody could act. */
        MISFIRE,
        /** The execution before was still running. */
        OVERLAP
    }

    /**
     * Due times that do not fire.
     *
     * @param count how many; unknown beyond {@value DueTimes#COUNTED}
     */
    public record Skip(Instant first, Instant last, OptionalInt count, Reason reason) {}

    /** A job that has much to make up for must not keep the others waiting. */
    public static final int FIRES_AT_ONCE = 20;

    public FirePlan {
        fires = List.copyOf(fires);
        skips = List.copyOf(skips);
    }

    /** One due time fires, or none. */
    public FirePlan(Optional<Instant> fire, Optional<Instant> next, List<Skip> skips) {
        this(fire.stream().toList(), false, Optional.empty(), next, skips);
    }

    /** For a job that was just registered, of which only the latest due time counts: nothing is due before {@code now}. */
    public static FirePlan first(Schedule schedule, Instant now) {
        return new FirePlan(Optional.empty(), schedule.next(now), List.of());
    }

    /**
     * For a job that was registered, or registered anew, at the time at which the timer says it is due: what comes after
     * that is due. A single time that was over by then fires at once, since nobody missed it.
     */
    public static FirePlan first(Schedule schedule, FirePolicy policy, JobTimer timer, Instant now) {
        var registered = timer.due().orElse(now);
        var due = firstDue(schedule, registered);
        var isOver = due.filter(first -> !first.isAfter(registered)).isPresent();
        return of(
                schedule,
                isOver ? policy.with(MisfirePolicy.FIRE_ONCE) : policy,
                new JobTimer(due, timer.held(), timer.isRunning(), timer.remaining()),
                now);
    }

    private static Optional<Instant> firstDue(Schedule schedule, Instant registered) {
        return switch (schedule) {
            case Once(var at) -> Optional.of(at);
            case Bounded bounded when bounded.schedule() instanceof Once(var at) -> bounded.next(at.minusNanos(1));
            case CronSchedule _, Interval _, Bounded _ -> schedule.next(registered);
        };
    }

    /**
     * For a job that was due at {@code due}, not after {@code now}, and of which only the latest due time counts.
     *
     * @param isRunning whether its last execution has not ended
     */
    public static FirePlan of(Schedule schedule, Instant due, Instant now, boolean isRunning) {
        return of(schedule, FirePolicy.LATEST, JobTimer.due(due, isRunning), now);
    }

    /** For a job that is or is not yet due, or whose last execution has ended while a due time was held. */
    public static FirePlan of(Schedule schedule, FirePolicy policy, JobTimer timer, Instant now) {
        return of(schedule::next, policy, timer, now);
    }

    static FirePlan of(Function<Instant, Optional<Instant>> schedule, FirePolicy policy, JobTimer timer, Instant now) {
        if (timer.remaining().equals(OptionalLong.of(0))) {
            return new FirePlan(Optional.empty(), Optional.empty(), List.of());
        }
        var due = timer.due().filter(first -> !first.isAfter(now)).map(first -> new DueTimes(schedule, first));
        var next = due.isPresent() ? schedule.apply(now) : timer.due();
        var asking = new ArrayList<>(timer.held().stream().toList());
        var skips = new ArrayList<Skip>();
        due.map(times -> toFire(times, policy, now)).ifPresent(found -> {
            asking.addAll(found.times());
            found.before().ifPresent(skips::add);
        });
        return new Overlaps(policy.overlap(), timer, asking).plan(next, skips);
    }

    /** The times that fire if nothing runs, and the misfires before them that do not. */
    private static DueTimes.Newest toFire(DueTimes due, FirePolicy policy, Instant now) {
        var late = now.minus(policy.tolerance());
        var timely = due.between(late, now.plusNanos(1));
        var missed = due.newest(
                switch (policy.misfire()) {
                    case FIRE_ONCE -> timely.isEmpty() ? 1 : 0;
                    case FIRE_ALL -> MisfirePolicy.FIRE_ALL_LIMIT;
                    case SKIP -> 0;
                },
                late);
        var times = new ArrayList<>(missed.times());
        times.addAll(timely);
        return new DueTimes.Newest(times, missed.before());
    }

    /** The due time that fires now, of a job that never fires for several at once. */
    public Optional<Instant> fire() {
        require(fires.size() <= 1, "several due times fire at once: " + fires);
        return fires.stream().findFirst();
    }

    /** Whether nothing more is due by now; otherwise it is to be asked again at once. */
    public boolean isDone(Instant now) {
        return next.filter(due -> !due.isAfter(now)).isEmpty();
    }

    /** Whether the job never fires again. */
    public boolean isCompleted() {
        return next.isEmpty() && held.isEmpty();
    }
}
