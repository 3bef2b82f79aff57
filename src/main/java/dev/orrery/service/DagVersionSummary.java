package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import java.time.Instant;

/** One published version of a DAG as lists show it. */
public record DagVersionSummary(int version, String name, int taskCount, Instant createdAt) {

    public DagVersionSummary {
        requireNonNull(name, "name");
        requireNonNull(createdAt, "createdAt");
    }
}
