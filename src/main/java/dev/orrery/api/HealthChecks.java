package dev.orrery.api;

import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * All that a node is asked about itself.
 *
 * @param parts what it needs to be of use: {@code /health} and {@code /health/ready} show it
 * @param life where something is wrong that only a new start mends: {@code /health/live}
 * @param clock by which is told since when something is so
 * @param refusal why the node takes no new work in; empty while it does
 */
public record HealthChecks(
        List<HealthCheck> parts, List<HealthCheck> life, InstantSource clock, Supplier<Optional<String>> refusal) {

    public HealthChecks {
        parts = List.copyOf(parts);
        life = List.copyOf(life);
    }
}
