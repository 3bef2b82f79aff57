package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.WireNamed;

/**
 * A key that of all tasks of a tenant which have not ended only one can have.
 *
 * @param onConflict what is done where another task has it
 */
public record UniqueKey(String value, OnConflict onConflict) {

    public static final int MAX_LENGTH = 255;

    /** What becomes of a task whose key another one has that has not ended. */
    public enum OnConflict implements WireNamed {
        /** The other one stands in for it. */
        RETURN,
        /** The other one is cancelled, unless it runs already. */
        REPLACE,
        /** It is refused. */
        REFUSE;

        public static final OnConflict DEFAULT = RETURN;

        /** The choice with this wire name; throws IllegalArgumentException where there is none. */
        public static OnConflict ofWireName(String name) {
            return WireNamed.of(OnConflict.class, name);
        }
    }

    public UniqueKey {
        require(
                !value.isEmpty() && value.codePointCount(0, value.length()) <= MAX_LENGTH,
                "a unique key has 1..255 characters, was '" + value + "'");
        requireNonNull(onConflict, "onConflict");
    }
}
