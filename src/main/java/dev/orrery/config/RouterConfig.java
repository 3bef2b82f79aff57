package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;

/**
 * How the router claims and commits.
 *
 * @param poll how often it looks without a signal
 * @param leadTime how long ahead of their start tasks are claimed
 * @param batchSize the most results, and the most claims, in one exchange with the database
 */
public record RouterConfig(Duration poll, Duration leadTime, int batchSize) {

    public static final RouterConfig DEFAULT = new RouterConfig(Duration.ofSeconds(1), Duration.ofMillis(50), 250);

    public RouterConfig {
        require(
                poll.compareTo(Duration.ofMillis(10)) >= 0 && poll.compareTo(Duration.ofMinutes(1)) <= 0,
                "router.poll must be 10 ms..1 min, was " + poll);
        require(
                !leadTime.isNegative() && leadTime.compareTo(Duration.ofSeconds(10)) <= 0,
                "router.lead-time must be 0..10 s, was " + leadTime);
        require(batchSize >= 1 && batchSize <= 1_000, "router.batch-size must be 1..1000, was " + batchSize);
    }
}
