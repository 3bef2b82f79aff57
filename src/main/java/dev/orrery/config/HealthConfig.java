package dev.orrery.config;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;

/**
 * From when on a node says of itself that it is not well.
 *
 * @param diskLow free bytes of a disk below which the node is degraded
 * @param diskFull free bytes below which it takes no more work
 * @param stuckAfter how long a part may bring nothing forward before it counts as stuck
 * @param deadAfter how long an event loop may be blocked before only a new start helps
 */
public record HealthConfig(long diskLow, long diskFull, Duration stuckAfter, Duration deadAfter) {

    public static final HealthConfig DEFAULT =
            new HealthConfig(1L << 30, 256L << 20, Duration.ofSeconds(30), Duration.ofMinutes(1));

    public HealthConfig {
        HealthSettings.DISK_LOW.check(diskLow);
        HealthSettings.DISK_FULL.check(diskFull);
        HealthSettings.STUCK_AFTER.check(stuckAfter);
        HealthSettings.DEAD_AFTER.check(deadAfter);
        require(
                diskFull <= diskLow,
                "health.disk-full is above health.disk-low: a disk is low first, and full when still less is free");
    }
}
