package dev.orrery.domain.job;

import dev.orrery.domain.WireNamed;

/** What becomes of the due times that passed while nobody could act. What does not fire is recorded. */
public enum MisfirePolicy implements WireNamed {
    /** The last of them fires, unless one that is not late fires anyway. */
    FIRE_ONCE,
    /** All of them fire, the oldest first; of more than {@link #FIRE_ALL_LIMIT} the newest. */
    FIRE_ALL,
    /** None of them fires. */
    SKIP;

    public static final MisfirePolicy DEFAULT = FIRE_ONCE;
    public static final int FIRE_ALL_LIMIT = 100;

    /** The policy with this wire name; throws IllegalArgumentException where there is none. */
    public static MisfirePolicy ofWireName(String name) {
        return WireNamed.of(MisfirePolicy.class, name);
    }
}
