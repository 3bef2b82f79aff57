package dev.orrery.store;

import dev.orrery.domain.DagId;
import java.time.Instant;
import java.util.Optional;

/**
 * The row of a DAG, which tells its newest version.
 *
 * @param active false while it is paused
 * @param nextRun when its schedule fires next; empty where it has none, is paused, or was not planned yet
 */
public record StoredDag(
        DagId id,
        String name,
        int taskCount,
        Optional<String> schedule,
        String timezone,
        boolean active,
        int version,
        Instant createdAt,
        Instant updatedAt,
        Optional<Instant> nextRun) {}
