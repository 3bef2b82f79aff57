package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.UUID;

/** Identifies a run; its task instances are numbered below it, see {@link NumberedIds}. */
public record RunId(UUID value) {

    public RunId {
        requireNonNull(value, "value");
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static RunId parse(String text) {
        return new RunId(NumberedIds.parse(text));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
