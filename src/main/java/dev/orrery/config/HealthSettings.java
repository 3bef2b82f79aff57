package dev.orrery.config;

import dev.orrery.config.Kind.Space;
import dev.orrery.config.Kind.Span;
import java.time.Duration;
import java.util.List;

/** The part of {@link Settings} that tells from when on a node is not well. */
final class HealthSettings {

    static final Setting<Long> DISK_LOW = new Setting<>(
            "health.disk-low",
            new Space(0, 64L << 40),
            "With less free space than this in the data folder, the folder of the tasks or that of the log, the node is degraded.",
            false,
            config -> config.health().diskLow());

    static final Setting<Long> DISK_FULL = new Setting<>(
            "health.disk-full",
            new Space(0, 64L << 40),
            "With less free space than this the node is not ready and takes no more work, until there is room again.",
            false,
            config -> config.health().diskFull());

    static final Setting<Duration> STUCK_AFTER = new Setting<>(
            "health.stuck-after",
            new Span(Duration.ofSeconds(1), Duration.ofHours(1)),
            "How long a part that has something to do may bring nothing forward before the node says so.",
            false,
            config -> config.health().stuckAfter());

    static final Setting<Duration> DEAD_AFTER = new Setting<>(
            "health.dead-after",
            new Span(Duration.ofSeconds(5), Duration.ofHours(1)),
            "How long an event loop may be blocked before /health/live says that only a restart helps.",
            false,
            config -> config.health().deadAfter());

    static final Settings.Section SECTION = new Settings.Section(
            "health",
            "From when on the node says that it is not well.",
            List.of(DISK_LOW, DISK_FULL, STUCK_AFTER, DEAD_AFTER));

    private HealthSettings() {}
}
