package dev.orrery.domain;

import static java.util.Objects.requireNonNull;

import java.util.UUID;

/** Identifies a worker: its node's id plus the worker's number. */
public record WorkerId(UUID value) {

    public WorkerId {
        requireNonNull(value, "value");
    }

    /** Reads the canonical text form; throws IllegalArgumentException for anything else. */
    public static WorkerId parse(String text) {
        return new WorkerId(NumberedIds.parse(text));
    }

    /** The id of the worker with this number (1, 2, …) on a node. */
    public static WorkerId of(NodeId node, int workerNumber) {
        return new WorkerId(NumberedIds.member(node.value(), workerNumber));
    }

    public NodeId nodeId() {
        return new NodeId(NumberedIds.base(value));
    }

    /** The worker's number on its node, from 1 on. */
    public int workerNumber() {
        return NumberedIds.number(value);
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
