package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.UUID;

/** Identifies one start of a node: a process that restarts is a new node. */
public record NodeId(UUID value) {

    public NodeId {
        requireNonNull(value, "value");
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static NodeId parse(String text) {
        return new NodeId(NumberedIds.parse(text));
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
