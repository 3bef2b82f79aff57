package dev.orrery.domain.dag;

import dev.orrery.domain.WireNamed;

/** What started a run. */
public enum Trigger implements WireNamed {
    API,
    SCHEDULE,
    EVENT,
    BACKFILL,
    TASK;

    /** The trigger with this wire name; throws IllegalArgumentException where there is none. */
    public static Trigger ofWireName(String name) {
        return WireNamed.of(Trigger.class, name);
    }
}
