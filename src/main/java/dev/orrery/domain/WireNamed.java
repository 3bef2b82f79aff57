package dev.orrery.domain;

import java.util.Locale;

/** A constant that the API and the database know by its own name in lower case, such as {@code timed_out}. */
public interface WireNamed {

    /** The name of the enum constant. */
    String name();

    /** The name in the API and in the database. */
    default String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The constant with this wire name; throws IllegalArgumentException where there is none. */
    static <E extends Enum<E> & WireNamed> E of(Class<E> family, String wireName) {
        for (var constant : family.getEnumConstants()) {
            if (constant.wireName().equals(wireName)) {
                return constant;
            }
        }
        throw new IllegalArgumentException("no " + family.getSimpleName() + " is called '" + wireName + "'");
    }
}
