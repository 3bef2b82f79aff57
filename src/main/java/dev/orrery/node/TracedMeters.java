package dev.orrery.node;

import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.service.AttemptSpans;
import java.time.Duration;

/** What a router tells, for metrics, and for traces besides. */
record TracedMeters(RouterMeters metrics, AttemptSpans attempts) implements RouterMeters {

    @Override
    public void attemptBegan(TaskAssignment attempt, Duration sinceClaim, Duration ago) {
        metrics.attemptBegan(attempt, sinceClaim, ago);
        attempts.waited(attempt, sinceClaim.plus(ago));
        attempts.dispatched(attempt, sinceClaim, ago);
    }

    @Override
    public void attemptEnded(AttemptEnded attempt, Verdict verdict, Duration duration) {
        metrics.attemptEnded(attempt, verdict, duration);
        attempts.ended(attempt.assignment(), verdict, duration);
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
        attempts.committed(task, verdict);
    }

    @Override
    public void claimed(int tasks) {
        metrics.claimed(tasks);
    }

    @Override
    public void resultRefused() {
        metrics.resultRefused();
    }
}
