package dev.orrery.domain.dag;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import java.time.Instant;
import java.util.Optional;

/**
 * One execution of a DAG version.
 *
 * @param logicalTime the instant it is for; absent for a run asked for by hand
 */
public record DagRun(
        RunId id,
        DagId dagId,
        int dagVersion,
        RunState state,
        Trigger triggeredBy,
        Json params,
        Optional<Instant> logicalTime,
        Optional<Instant> startedAt,
        Optional<Instant> completedAt,
        Instant createdAt) {

    public DagRun {
        requireNonNull(id, "id");
        requireNonNull(dagId, "dagId");
        requireNonNull(state, "state");
        requireNonNull(triggeredBy, "triggeredBy");
        requireNonNull(params, "params");
        requireNonNull(createdAt, "createdAt");
    }
}
