package dev.orrery.engine.router;

import static dev.orrery.domain.Checks.require;

import dev.orrery.config.OrreryConfig;
import java.time.Duration;
import java.util.List;

/**
 * How a router works.
 *
 * @param poll how often it looks without a signal
 * @param leadTime how long ahead of their start tasks are claimed
 * @param batchSize the most reports, and the most claims, in one exchange
 * @param concurrency how many tasks a worker runs at once
 * @param queueCapacity how many a worker holds beyond those
 * @param queues the queues this node serves; empty for all
 * @param drainTimeout how long running tasks may go on at a drain
 */
public record RouterSettings(
        Duration poll,
        Duration leadTime,
        int batchSize,
        int concurrency,
        int queueCapacity,
        List<String> queues,
        Duration drainTimeout) {

    public RouterSettings {
        require(poll.isPositive(), "poll must be positive, was " + poll);
        require(!leadTime.isNegative(), "leadTime must not be negative, was " + leadTime);
        require(batchSize >= 1, "batchSize must be at least 1, was " + batchSize);
        require(concurrency >= 1, "concurrency must be at least 1, was " + concurrency);
        require(queueCapacity >= 0, "queueCapacity must not be negative, was " + queueCapacity);
        queues = List.copyOf(queues);
    }

    public static RouterSettings of(OrreryConfig config) {
        var workers = config.workers();
        return new RouterSettings(
                config.router().poll(),
                config.router().leadTime(),
                config.router().batchSize(),
                workers.concurrency(),
                workers.queueCapacity(),
                workers.queues(),
                workers.drainTimeout());
    }
}
