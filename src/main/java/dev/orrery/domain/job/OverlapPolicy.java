package dev.orrery.domain.job;

import dev.orrery.domain.WireNamed;

/** What becomes of a due time while the execution before still runs. What does not fire is recorded. */
public enum OverlapPolicy implements WireNamed {
    /** It fires, and both run. */
    ALLOW,
    /** It does not fire. */
    SKIP,
    /** It waits until the other one ends; while one waits, later ones do not fire. */
    QUEUE_ONE,
    /** It fires, and the other one is cancelled. */
    CANCEL_PREVIOUS;

    public static final OverlapPolicy DEFAULT = SKIP;

    /** The policy with this wire name; throws IllegalArgumentException where there is none. */
    public static OverlapPolicy ofWireName(String name) {
        return WireNamed.of(OverlapPolicy.class, name);
    }
}
