package dev.orrery.domain.task;

import dev.orrery.domain.Json;
import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** What becomes of a task instance after an attempt has ended. */
public sealed interface Verdict {

    record Succeed(Json output) implements Verdict {}

    record Retry(Duration delay, String error, boolean timedOut) implements Verdict {}

    /** It is tried again later, and nothing is charged for that. */
    record Snooze(Duration delay) implements Verdict {}

    record Fail(String error) implements Verdict {}

    record TimeOut(String error) implements Verdict {}

    record Cancel() implements Verdict {}

    /** Of a task whose attempts have no limit together. */
    static Verdict of(
            AttemptOutcome outcome, int attempt, int failuresBefore, RetryPolicy policy, RandomGenerator random) {
        return of(outcome, attempt, failuresBefore, policy, Optional.empty(), random);
    }

    /**
     * @param attempt the number of the attempt
     * @param failuresBefore how many earlier attempts were charged to the retry policy
     * @param total how much of its {@code totalTimeout} the task has used now; absent where it has none
     */
    static Verdict of(
            AttemptOutcome outcome,
            int attempt,
            int failuresBefore,
            RetryPolicy policy,
            Optional<TotalTime> total,
            RandomGenerator random) {
        return switch (outcome) {
            case AttemptOutcome.Succeeded(var output) -> new Succeed(output);
            case AttemptOutcome.Snoozed(var time) -> ofSnooze(time, attempt);
            case AttemptOutcome.Failed failed -> {
                var error = explained(failed.error(), policy.rules(), failed.kind(), failed.retryable());
                yield policy.allowsAnotherAfter(failuresBefore + 1)
                                && policy.rules().allow(failed.kind(), failed.retryable())
                        ? again(longer(policy.delayAfter(failuresBefore + 1, random), failed), error, false, total)
                        : new Fail(error);
            }
            case AttemptOutcome.TimedOut(var limit) -> {
                var kind = new FailureKind.TimeOut();
                var error =
                        explained("stopped after its timeout of " + Durations.text(limit), policy.rules(), kind, true);
                yield policy.allowsAnotherAfter(failuresBefore + 1)
                                && policy.rules().allow(kind, true)
                        ? again(policy.delayAfter(failuresBefore + 1, random), error, true, total)
                        : new TimeOut(error);
            }
            case AttemptOutcome.TotalTimedOut over -> of(over);
            case AttemptOutcome.Cancelled() -> new Cancel();
        };
    }

    /** Of a task whose time for all attempts together is over. */
    static TimeOut of(AttemptOutcome.TotalTimedOut over) {
        return new TimeOut((over.hasBegun() ? "stopped" : "not tried again") + ": its totalTimeout of "
                + Durations.text(over.total()) + " over all attempts is over");
    }

    /** Another try, unless it would be due when the time of all attempts is over: that is not waited for. */
    private static Verdict again(Duration delay, String error, boolean timedOut, Optional<TotalTime> total) {
        return total.filter(time -> !time.allowsAfter(delay))
                .<Verdict>map(time -> new TimeOut(error + " (not tried again: its totalTimeout of "
                        + Durations.text(time.total()) + " over all attempts "
                        + (time.isOver() ? "is over" : "ends before the next one, due in " + Durations.text(delay))
                        + ")"))
                .orElseGet(() -> new Retry(delay, error, timedOut));
    }

    private static String explained(String error, RetryRules rules, FailureKind kind, boolean isUsual) {
        return rules.refusal(kind, isUsual).map(why -> error + " (" + why + ")").orElse(error);
    }

    /** A server that names the time at which it wants to be asked again is not asked before. */
    private static Duration longer(Duration delay, AttemptOutcome.Failed failed) {
        var asked = failed.retryAfter().orElse(Duration.ZERO);
        return asked.compareTo(delay) > 0 ? asked : delay;
    }

    /** What becomes of a task whose attempt with this number puts it off. */
    static Verdict ofSnooze(Duration time, int attempt) {
        return attempt < SnoozeRule.ATTEMPTS_MAX
                ? new Snooze(time)
                : new Fail("it puts itself off once more, and has had " + attempt + " attempts: no more are made");
    }

    /** When it is tried again, if it is. */
    default Optional<Duration> againAfter() {
        return switch (this) {
            case Retry retry -> Optional.of(retry.delay());
            case Snooze(var delay) -> Optional.of(delay);
            case Succeed _, Fail _, TimeOut _, Cancel _ -> Optional.empty();
        };
    }

    /** The event of {@link TaskTransitions} it stands for. */
    default TaskEvent event() {
        return switch (this) {
            case Succeed _ -> TaskEvent.SUCCEED;
            case Retry _, Snooze _ -> TaskEvent.RETRY;
            case Fail _ -> TaskEvent.FAIL;
            case TimeOut _ -> TaskEvent.TIME_OUT;
            case Cancel _ -> TaskEvent.CANCEL;
        };
    }
}
