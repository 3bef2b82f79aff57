package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import java.time.Instant;
import java.util.Optional;

/**
 * A run as lists show it.
 *
 * @param logicalTime the due time it is for; empty where somebody asked for it
 * @param trace the one it was given
 */
public record RunSummary(
        RunId runId,
        DagId dagId,
        String dagName,
        int dagVersion,
        RunState state,
        Trigger triggeredBy,
        Optional<Instant> logicalTime,
        Optional<Instant> startedAt,
        Optional<Instant> completedAt,
        Instant createdAt,
        Optional<TraceContext> trace) {

    public RunSummary {
        requireNonNull(runId, "runId");
        requireNonNull(dagId, "dagId");
        requireNonNull(dagName, "dagName");
        requireNonNull(state, "state");
        requireNonNull(triggeredBy, "triggeredBy");
        requireNonNull(logicalTime, "logicalTime");
        requireNonNull(startedAt, "startedAt");
        requireNonNull(completedAt, "completedAt");
        requireNonNull(createdAt, "createdAt");
        requireNonNull(trace, "trace");
    }
}
