package dev.orrery.domain.task;

import dev.orrery.domain.WireNamed;

/** Where a single task comes from. */
public enum TaskSource implements WireNamed {
    HUMAN,
    AGENT_REQUIREMENTS,
    AGENT_PLANNER,
    AGENT_IMPLEMENTATION,
    API,
    SCHEDULE,
    TASK;

    public static final TaskSource DEFAULT = HUMAN;

    /** The source with this wire name; throws IllegalArgumentException where there is none. */
    public static TaskSource ofWireName(String name) {
        return WireNamed.of(TaskSource.class, name);
    }
}
