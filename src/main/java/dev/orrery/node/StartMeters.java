package dev.orrery.node;

import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.function.LongSupplier;

/** How long tasks waited before they began, whoever does them: a worker of this node, or a remote one that this node gave it. */
final class StartMeters {

    private final Timer readyWait;
    private final Timer singleDelay;
    private final Timer runDelay;
    private final LongSupplier clock;

    /** {@code clock}: the database's time, in milliseconds since 1970. */
    StartMeters(Metrics metrics, LongSupplier clock) {
        this.readyWait = metrics.timer(Metric.TASK_READY_WAIT);
        this.singleDelay = metrics.timer(Metric.TASK_START_DELAY, "single");
        this.runDelay = metrics.timer(Metric.TASK_START_DELAY, "run");
        this.clock = clock;
    }

    /** An attempt began so long {@code ago}, and had waited since its claim. From any thread. */
    void began(TaskAssignment attempt, Duration sinceClaim, Duration ago) {
        var began = clock.getAsLong() - ago.toMillis();
        attempt.readySince().ifPresent(ready -> {
            var waited = Duration.ofMillis(began - ready);
            // The clock is set by each heartbeat, so it may be a little behind the database's.
            readyWait.record(waited.compareTo(sinceClaim) > 0 ? waited : sinceClaim);
        });
        if (attempt.attempt() == 1) {
            var id = attempt.instanceId();
            // For the same reason, and since ids are made in advance of the clock where many are made at once.
            var delay = Math.max(0, began - id.createdMillis());
            (id.isSingle() ? singleDelay : runDelay).record(Duration.ofMillis(delay));
        }
    }
}
