package dev.orrery.store;

import dev.orrery.domain.DagId;
import java.time.Instant;
import java.util.Optional;

/** The row of a DAG, which tells its newest version; {@code active} is false while it is paused. */
public record StoredDag(
        DagId id,
        String name,
        int taskCount,
        Optional<String> schedule,
        String timezone,
        boolean active,
        int version,
        Instant createdAt,
        Instant updatedAt) {}
