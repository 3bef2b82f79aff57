package dev.orrery.domain;

/** How a node is, as the others see it. */
public enum NodeState implements WireNamed {
    /** Takes work. */
    WORKING,
    /** Takes no more work, or has been asked not to. */
    DRAINING,
    /** Its heartbeat is older than the lease: it is about to lose its right to work. */
    SILENT,
    /** It stopped, or was given up: whatever it still does counts for nothing. */
    GONE
}
