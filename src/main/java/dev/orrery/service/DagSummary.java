package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import java.time.Instant;
import java.util.Optional;

/**
 * A DAG as lists show it.
 *
 * @param active false while it is paused: schedules and events start nothing
 * @param version the newest one, from 1 on
 * @param nextRun when its schedule fires next; empty where it has none or is paused
 */
public record DagSummary(
        DagId id,
        String name,
        int taskCount,
        Optional<String> schedule,
        String timezone,
        boolean active,
        int version,
        Instant createdAt,
        Instant updatedAt,
        Optional<Instant> nextRun) {

    public DagSummary {
        requireNonNull(id, "id");
        requireNonNull(name, "name");
        requireNonNull(schedule, "schedule");
        requireNonNull(timezone, "timezone");
        requireNonNull(createdAt, "createdAt");
        requireNonNull(updatedAt, "updatedAt");
        requireNonNull(nextRun, "nextRun");
    }
}
