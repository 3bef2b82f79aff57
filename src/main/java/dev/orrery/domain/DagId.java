package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.UUID;

/** Identifies a DAG over all its versions. */
public record DagId(UUID value) {

    public DagId {
        requireNonNull(value, "value");
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static DagId parse(String text) {
        return new DagId(NumberedIds.parse(text));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
