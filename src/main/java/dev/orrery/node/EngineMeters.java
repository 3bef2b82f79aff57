package dev.orrery.node;

import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;

/** Counts what the router tells. */
final class EngineMeters implements RouterMeters {

    private final Timer succeeded;
    private final Timer snoozed;
    private final Timer failed;
    private final Timer timedOut;
    private final Timer cancelled;
    private final Timer exchanges;
    private final Counter reports;
    private final Counter claims;
    private final Counter refused;

    EngineMeters(Metrics metrics) {
        this.succeeded = metrics.timer(Metric.TASK_ATTEMPTS, "succeeded");
        this.snoozed = metrics.timer(Metric.TASK_ATTEMPTS, "snoozed");
        this.failed = metrics.timer(Metric.TASK_ATTEMPTS, "failed");
        this.timedOut = metrics.timer(Metric.TASK_ATTEMPTS, "timed_out");
        this.cancelled = metrics.timer(Metric.TASK_ATTEMPTS, "cancelled");
        this.exchanges = metrics.timer(Metric.ROUTER_EXCHANGES);
        this.reports = metrics.counter(Metric.ROUTER_REPORTS);
        this.claims = metrics.counter(Metric.TASK_CLAIMS);
        this.refused = metrics.counter(Metric.TASK_RESULTS_REFUSED);
    }

    @Override
    public void attemptEnded(AttemptOutcome outcome, Duration duration) {
        var timer = switch (outcome) {
            case AttemptOutcome.Succeeded _ -> succeeded;
            case AttemptOutcome.Snoozed _ -> snoozed;
            case AttemptOutcome.Failed _ -> failed;
            case AttemptOutcome.TimedOut _ -> timedOut;
            case AttemptOutcome.Cancelled _ -> cancelled;
        };
        timer.record(duration);
    }

    @Override
    public void exchanged(Duration duration, int count) {
        exchanges.record(duration);
        reports.increment(count);
    }

    @Override
    public void claimed(int tasks) {
        claims.increment(tasks);
    }

    @Override
    public void resultRefused() {
        refused.increment();
    }
}
