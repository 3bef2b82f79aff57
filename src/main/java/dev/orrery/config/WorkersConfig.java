package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;
import java.util.List;

/**
 * The pool of workers.
 *
 * @param size how many workers the node has
 * @param concurrency how many tasks each runs at once
 * @param queueCapacity how many more each holds
 * @param queues the queues the node serves; empty: all
 * @param drainTimeout how long running tasks may go on when the node stops
 */
public record WorkersConfig(int size, int concurrency, int queueCapacity, List<String> queues, Duration drainTimeout) {

    public static final WorkersConfig DEFAULT = new WorkersConfig(4, 2, 100, List.of(), Duration.ofSeconds(60));

    public WorkersConfig {
        require(size >= 1 && size <= 1_000, "workers.size must be 1..1000, was " + size);
        require(concurrency >= 1 && concurrency <= 1_000, "workers.concurrency must be 1..1000, was " + concurrency);
        require(
                queueCapacity >= 0 && queueCapacity <= 10_000,
                "workers.queue-capacity must be 0..10000, was " + queueCapacity);
        queues = List.copyOf(queues);
        require(
                !drainTimeout.isNegative() && drainTimeout.compareTo(Duration.ofDays(1)) <= 0,
                "workers.drain-timeout must be 0..1 d, was " + drainTimeout);
    }
}
