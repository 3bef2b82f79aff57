package dev.orrery.domain.job;

import dev.orrery.domain.WireNamed;

/** Who does a job's work: code on the event bus or of the node, a worker elsewhere, or a DAG. */
public enum HandlerType implements WireNamed {
    FUNCTION,
    AGENT,
    WORKFLOW;

    /** The type with this wire name; throws IllegalArgumentException where there is none. */
    public static HandlerType ofWireName(String name) {
        return WireNamed.of(HandlerType.class, name);
    }
}
