package dev.orrery.store;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.TaskState;
import dev.orrery.domain.task.Verdict;
import java.time.Duration;
import java.util.Optional;

/**
 * What a node has to say of one of its claims: that the attempt began, or what became of it.
 *
 * @param verdict absent for a start
 * @param sinceStart how long ago the attempt began, by the node's monotonic clock; absent for one that never did
 */
public record AttemptReport(
        TaskInstanceId id,
        int versionId,
        int attempt,
        long fence,
        int workerNumber,
        Optional<Verdict> verdict,
        Optional<Duration> sinceStart) {

    public AttemptReport {
        require(
                sinceStart.isEmpty() || !sinceStart.get().isNegative(),
                "sinceStart must not be negative, was " + sinceStart);
    }

    public boolean isEnd() {
        return verdict.isPresent();
    }

    TaskState state() {
        return verdict.map(AttemptReport::stateOf).orElse(TaskState.RUNNING);
    }

    Optional<String> outcome() {
        return verdict.map(ended -> switch (ended) {
            case Verdict.Succeed _ -> "succeeded";
            case Verdict.Retry retry -> retry.timedOut() ? "timed_out" : "failed";
            case Verdict.Snooze _ -> "snoozed";
            case Verdict.Fail _ -> "failed";
            case Verdict.TimeOut _ -> "timed_out";
            case Verdict.Cancel _ -> "cancelled";
        });
    }

    Optional<String> error() {
        return verdict.flatMap(ended -> switch (ended) {
            case Verdict.Succeed _, Verdict.Snooze _, Verdict.Cancel _ -> Optional.empty();
            case Verdict.Retry retry -> Optional.of(retry.error());
            case Verdict.Fail fail -> Optional.of(fail.error());
            case Verdict.TimeOut timeOut -> Optional.of(timeOut.error());
        });
    }

    /** Absent where it is JSON null: there is no row for nothing. */
    Optional<Json> output() {
        return verdict.flatMap(ended -> ended instanceof Verdict.Succeed(var output) && !output.isNull()
                ? Optional.of(output)
                : Optional.empty());
    }

    Optional<Duration> retryAfter() {
        return verdict.flatMap(Verdict::againAfter);
    }

    private static TaskState stateOf(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Succeed _ -> TaskState.SUCCEEDED;
            case Verdict.Retry _, Verdict.Snooze _ -> TaskState.RETRYING;
            case Verdict.Fail _ -> TaskState.FAILED;
            case Verdict.TimeOut _ -> TaskState.TIMED_OUT;
            case Verdict.Cancel _ -> TaskState.CANCELLED;
        };
    }
}
