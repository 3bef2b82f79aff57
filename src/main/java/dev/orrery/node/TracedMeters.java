package dev.orrery.node;

import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.service.AttemptSpans;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * What a router tells, for metrics, and for traces besides. An attempt is recorded when its result counts: what comes too late is
 * told by whoever took the claim. As the router, it is used by one thread.
 */
final class TracedMeters implements RouterMeters {

    private final RouterMeters metrics;
    private final AttemptSpans attempts;

    /** As many as results wait to be committed. */
    private final Map<TaskInstanceId, Ended> ended = new HashMap<>();

    private record Ended(TaskAssignment attempt, long at, Duration duration) {}

    TracedMeters(RouterMeters metrics, AttemptSpans attempts) {
        this.metrics = metrics;
        this.attempts = attempts;
    }

    @Override
    public void attemptBegan(TaskAssignment attempt, Duration sinceClaim, Duration ago) {
        metrics.attemptBegan(attempt, sinceClaim, ago);
        attempts.waited(attempt, sinceClaim.plus(ago));
        attempts.dispatched(attempt, sinceClaim, ago);
    }

    @Override
    public void attemptEnded(AttemptEnded attempt, Verdict verdict, Duration duration) {
        metrics.attemptEnded(attempt, verdict, duration);
        var task = attempt.assignment();
        if (task.trace().isSampled()) {
            ended.put(task.instanceId(), new Ended(task, attempts.nowNanos(), duration));
        }
    }

    @Override
    public void exchanged(Duration duration, int reports) {
        metrics.exchanged(duration, reports);
    }

    @Override
    public void exchangeFailed() {
        metrics.exchangeFailed();
    }

    @Override
    public void committed(TaskInstanceId task, Verdict verdict) {
        metrics.committed(task, verdict);
        var known = ended.remove(task);
        if (known != null) {
            attempts.ended(known.attempt, verdict, known.at, known.duration);
        }
    }

    @Override
    public void claimed(int tasks) {
        metrics.claimed(tasks);
    }

    @Override
    public void resultRefused(TaskInstanceId task) {
        metrics.resultRefused(task);
        ended.remove(task);
    }
}
