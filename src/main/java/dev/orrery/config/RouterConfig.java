package dev.orrery.config;

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
        Settings.ROUTER_POLL.check(poll);
        Settings.ROUTER_LEAD_TIME.check(leadTime);
        Settings.ROUTER_BATCH_SIZE.check(batchSize);
    }
}
