package dev.orrery.planted.engine.worker;

/** Time is an argument in the engine too. */
public final class ReadsTheClockToo {
    long now() {
        return System.currentTimeMillis();
    }
}
