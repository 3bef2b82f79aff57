package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.UUID;

/** Identifies a job. That of a DAG with a schedule has the DAG's id. */
public record JobId(UUID value) {

    public JobId {
        requireNonNull(value, "value");
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static JobId parse(String text) {
        return new JobId(NumberedIds.parse(text));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
