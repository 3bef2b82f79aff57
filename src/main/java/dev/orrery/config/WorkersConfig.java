package dev.orrery.config;

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
        Settings.WORKERS_SIZE.check(size);
        Settings.WORKERS_CONCURRENCY.check(concurrency);
        Settings.WORKERS_QUEUE_CAPACITY.check(queueCapacity);
        queues = List.copyOf(queues);
        Settings.WORKERS_QUEUES.check(queues);
        Settings.WORKERS_DRAIN_TIMEOUT.check(drainTimeout);
    }
}
