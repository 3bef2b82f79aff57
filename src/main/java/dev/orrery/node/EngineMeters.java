package dev.orrery.node;

import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;

/** Counts what the router tells. */
final class EngineMeters implements RouterMeters {

    private final Attempts attempts;
    private final Results results;
    private final StartMeters starts;
    private final Timer claimWait;
    private final Timer exchanges;
    private final Counter exchangesFailed;
    private final Counter reports;
    private final DistributionSummary commitBatches;
    private final Counter claims;
    private final DistributionSummary claimBatches;
    private final Counter refused;

    EngineMeters(Metrics metrics, StartMeters starts) {
        this.starts = starts;
        this.attempts = new Attempts(metrics);
        this.results = new Results(metrics);
        this.claimWait = metrics.timer(Metric.TASK_CLAIM_WAIT);
        this.exchanges = metrics.timer(Metric.ROUTER_EXCHANGES);
        this.exchangesFailed = metrics.counter(Metric.ROUTER_EXCHANGES_FAILED);
        this.reports = metrics.counter(Metric.ROUTER_REPORTS);
        this.commitBatches = metrics.sizes(Metric.ROUTER_COMMIT_BATCH);
        this.claims = metrics.counter(Metric.TASK_CLAIMS);
        this.claimBatches = metrics.sizes(Metric.ROUTER_CLAIM_BATCH);
        this.refused = metrics.counter(Metric.TASK_RESULTS_REFUSED);
    }

    /** How long attempts took, by what they did. */
    private static final class Attempts {

        private final Timer succeeded;
        private final Timer snoozed;
        private final Timer failed;
        private final Timer timedOut;
        private final Timer cancelled;

        private Attempts(Metrics metrics) {
            this.succeeded = metrics.timer(Metric.TASK_ATTEMPTS, "succeeded");
            this.snoozed = metrics.timer(Metric.TASK_ATTEMPTS, "snoozed");
            this.failed = metrics.timer(Metric.TASK_ATTEMPTS, "failed");
            this.timedOut = metrics.timer(Metric.TASK_ATTEMPTS, "timed_out");
            this.cancelled = metrics.timer(Metric.TASK_ATTEMPTS, "cancelled");
        }

        private Timer of(AttemptOutcome outcome) {
            return switch (outcome) {
                case AttemptOutcome.Succeeded _ -> succeeded;
                case AttemptOutcome.Snoozed _ -> snoozed;
                case AttemptOutcome.Failed _ -> failed;
                case AttemptOutcome.TimedOut _, AttemptOutcome.TotalTimedOut _ -> timedOut;
                case AttemptOutcome.Cancelled _ -> cancelled;
            };
        }
    }

    /** What became of tasks. */
    private static final class Results {

        private static final String FAILED = "failed";
        private static final String TIMED_OUT = "timed_out";

        private final Counter succeeded;
        private final Counter failed;
        private final Counter timedOut;
        private final Counter cancelled;
        private final Counter failedRetried;
        private final Counter timedOutRetried;
        private final Counter snoozed;
        private final Counter failedForGood;
        private final Counter timedOutForGood;

        private Results(Metrics metrics) {
            this.succeeded = metrics.counter(Metric.TASK_ENDED, "succeeded");
            this.failed = metrics.counter(Metric.TASK_ENDED, FAILED);
            this.timedOut = metrics.counter(Metric.TASK_ENDED, TIMED_OUT);
            this.cancelled = metrics.counter(Metric.TASK_ENDED, "cancelled");
            this.failedRetried = metrics.counter(Metric.TASK_RETRIES, FAILED);
            this.timedOutRetried = metrics.counter(Metric.TASK_RETRIES, TIMED_OUT);
            this.snoozed = metrics.counter(Metric.TASK_RETRIES, "snoozed");
            this.failedForGood = metrics.counter(Metric.TASK_DEAD_LETTERS, FAILED);
            this.timedOutForGood = metrics.counter(Metric.TASK_DEAD_LETTERS, TIMED_OUT);
        }

        private void count(Verdict verdict) {
            switch (verdict) {
                case Verdict.Succeed _ -> succeeded.increment();
                case Verdict.Retry retry -> (retry.timedOut() ? timedOutRetried : failedRetried).increment();
                case Verdict.Snooze _ -> snoozed.increment();
                case Verdict.Fail _ -> {
                    failed.increment();
                    failedForGood.increment();
                }
                case Verdict.TimeOut _ -> {
                    timedOut.increment();
                    timedOutForGood.increment();
                }
                case Verdict.Cancel _ -> cancelled.increment();
            }
        }
    }

    @Override
    public void attemptBegan(TaskAssignment attempt, Duration sinceClaim, Duration ago) {
        claimWait.record(sinceClaim);
        starts.began(attempt, sinceClaim, ago);
    }

    @Override
    public void attemptEnded(AttemptEnded attempt, Verdict verdict, Duration duration) {
        attempts.of(attempt.outcome()).record(duration);
    }

    @Override
    public void exchanged(Duration duration, int count) {
        exchanges.record(duration);
        reports.increment(count);
        if (count > 0) {
            commitBatches.record(count);
        }
    }

    @Override
    public void exchangeFailed() {
        exchangesFailed.increment();
    }

    @Override
    public void committed(TaskInstanceId task, Verdict verdict) {
        results.count(verdict);
    }

    @Override
    public void claimed(int tasks) {
        claims.increment(tasks);
        if (tasks > 0) {
            claimBatches.record(tasks);
        }
    }

    @Override
    public void resultRefused(TaskInstanceId task) {
        refused.increment();
    }
}
