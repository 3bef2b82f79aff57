package dev.orrery.domain.task;

import dev.orrery.domain.WireNamed;

/** How a single task waits for others: for one after the other, or for all of several that go on side by side. */
public enum DependencyType implements WireNamed {
    SEQUENTIAL,
    PARALLEL;

    public static final DependencyType DEFAULT = SEQUENTIAL;

    /** The type with this wire name; throws IllegalArgumentException where there is none. */
    public static DependencyType ofWireName(String name) {
        return WireNamed.of(DependencyType.class, name);
    }
}
