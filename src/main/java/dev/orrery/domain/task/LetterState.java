package dev.orrery.domain.task;

import dev.orrery.domain.WireNamed;

/** What became of a dead letter. */
public enum LetterState implements WireNamed {
    /** Its task stays as it ended, and nobody has decided about it. */
    OPEN,
    /** Its task was sent back, or tried again by hand. */
    REDRIVEN,
    /** Its task stays as it ended, and is to. */
    DISCARDED;

    /** The state with this wire name; throws IllegalArgumentException where there is none. */
    public static LetterState ofWireName(String name) {
        return WireNamed.of(LetterState.class, name);
    }
}
