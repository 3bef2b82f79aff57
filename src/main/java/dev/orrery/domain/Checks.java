package dev.orrery.domain;

/** What compact constructors say when they are given nonsense. */
public final class Checks {

    private Checks() {}

    public static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
