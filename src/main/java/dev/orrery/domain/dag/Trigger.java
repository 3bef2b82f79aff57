package dev.orrery.domain.dag;

import java.util.Locale;

/** What started a run. */
public enum Trigger {
    API,
    SCHEDULE,
    EVENT,
    BACKFILL,
    TASK;

    /** The name in the API and in the database. */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The trigger with this wire name; throws IllegalArgumentException where there is none. */
    public static Trigger ofWireName(String name) {
        for (var trigger : values()) {
            if (trigger.wireName().equals(name)) {
                return trigger;
            }
        }
        throw new IllegalArgumentException("no trigger is called '" + name + "'");
    }
}
