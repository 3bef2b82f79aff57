package dev.orrery.engine.worker;

import dev.orrery.bus.BusMessage.StopReason;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.TotalTime;
import dev.orrery.executor.AttemptLog;
import dev.orrery.executor.Execution;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An attempt that a worker has begun: its execution once there is one, and why it was stopped if it was. */
final class RunningAttempt {

    private final TaskAssignment assignment;
    private final long startedNanos;
    private final AttemptLog log;
    private @Nullable Execution execution;
    private @Nullable Stop stop;
    private boolean isOver;
    private Optional<TotalTime> total = Optional.empty();
    private long totalNanos;

    /** Why an attempt was stopped. */
    private sealed interface Stop {

        record TimeIsUp() implements Stop {}

        record TotalIsUp(Duration total) implements Stop {}

        record Asked(StopReason reason) implements Stop {}

        record Draining() implements Stop {}
    }

    RunningAttempt(TaskAssignment assignment, long startedNanos, AttemptLog log) {
        this.assignment = assignment;
        this.startedNanos = startedNanos;
        this.log = log;
    }

    TaskAssignment assignment() {
        return assignment;
    }

    long startedNanos() {
        return startedNanos;
    }

    AttemptLog log() {
        return log;
    }

    /** What is used of the total now, with what this attempt has waited for. */
    void hasUsed(TotalTime time) {
        total = Optional.of(time);
        totalNanos = System.nanoTime();
    }

    /** The same, since it goes on. */
    Optional<TotalTime> total() {
        return total.map(time -> time.after(Duration.ofNanos(System.nanoTime() - totalNanos)));
    }

    /** The execution has begun; it is stopped at once where a stop came before it. */
    void began(Execution begun) {
        execution = begun;
        if (stop != null) {
            end(begun, stop);
        }
    }

    void timeIsUp() {
        stop(new Stop.TimeIsUp());
    }

    void totalIsUp(Duration limit) {
        stop(new Stop.TotalIsUp(limit));
    }

    void asked(StopReason reason) {
        stop(new Stop.Asked(reason));
    }

    void draining() {
        stop(new Stop.Draining());
    }

    /** The execution has ended: whatever comes now is too late to change its outcome. */
    void over() {
        isOver = true;
    }

    private void stop(Stop why) {
        var isFirst = stop == null;
        if (isOver || !(isFirst || isClaimLost(why))) {
            return;
        }
        if (isFirst) {
            stop = why;
        }
        if (execution != null) {
            end(execution, why);
        }
    }

    /** What lost its claim may be running elsewhere soon: it gets no grace. */
    private static void end(Execution execution, Stop why) {
        if (isClaimLost(why)) {
            execution.kill();
        } else {
            execution.stop();
        }
    }

    private static boolean isClaimLost(Stop why) {
        return why instanceof Stop.Asked(StopReason reason) && reason == StopReason.CLAIM_LOST;
    }

    boolean isStopped() {
        return stop != null;
    }

    /** Whether it is given back rather than reported. */
    boolean isHandedBack() {
        return stop instanceof Stop.Draining;
    }

    /** What is reported: whoever was stopped did not end by itself, whatever its exit says. */
    AttemptOutcome outcome(AttemptOutcome own) {
        return switch (stop) {
            case null -> own;
            case Stop.TimeIsUp() ->
                new AttemptOutcome.TimedOut(assignment.taskDefinition().timeout());
            case Stop.TotalIsUp(var limit) -> new AttemptOutcome.TotalTimedOut(limit, true);
            case Stop.Asked _ -> new AttemptOutcome.Cancelled();
            case Stop.Draining() -> own;
        };
    }
}
