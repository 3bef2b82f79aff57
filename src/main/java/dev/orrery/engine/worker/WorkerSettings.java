package dev.orrery.engine.worker;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;

/**
 * How a worker works.
 *
 * @param concurrency how many tasks it runs at once
 * @param queueCapacity how many more it holds
 * @param logLimit the most bytes that are kept of an attempt's log
 * @param killGrace how long a task that is told to end may take before it is killed
 */
public record WorkerSettings(int concurrency, int queueCapacity, int logLimit, Duration killGrace) {

    public WorkerSettings {
        require(concurrency >= 1, "concurrency must be at least 1, was " + concurrency);
        require(queueCapacity >= 0, "queueCapacity must not be negative, was " + queueCapacity);
        require(!killGrace.isNegative(), "killGrace must not be negative, was " + killGrace);
    }
}
