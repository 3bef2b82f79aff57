package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.UUID;

/** Identifies a dead letter: a time, and what is its own. Later letters have greater ids. */
public record LetterId(UUID value) {

    public LetterId {
        requireNonNull(value, "value");
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static LetterId parse(String text) {
        return new LetterId(NumberedIds.parse(text));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
