package dev.orrery.domain.job;

import dev.orrery.domain.WireNamed;

/** What makes a job fire: a cron text, one instant, an interval or a cron text with an end, or an event. */
public enum JobType implements WireNamed {
    CRON,
    ONE_TIME,
    RECURRING,
    EVENT;

    /** The type with this wire name; throws IllegalArgumentException where there is none. */
    public static JobType ofWireName(String name) {
        return WireNamed.of(JobType.class, name);
    }
}
