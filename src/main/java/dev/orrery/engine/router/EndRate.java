package dev.orrery.engine.router;

import java.time.Duration;

/** How many tasks end in a second, lately: an exponentially fading count. Times are in nanoseconds of one clock. */
final class EndRate {

    private static final double MEMORY_NANOS = Duration.ofMillis(100).toNanos();

    private double perNano;
    private long updatedAt;

    EndRate(long now) {
        this.updatedAt = now;
    }

    void ended(int count, long now) {
        fade(now);
        perNano += count / MEMORY_NANOS;
    }

    /** How many will end within this time if it goes on so. */
    int expectedWithin(Duration time, long now) {
        fade(now);
        return (int) Math.min(Integer.MAX_VALUE, perNano * time.toNanos());
    }

    private void fade(long now) {
        perNano *= Math.exp(-(now - updatedAt) / MEMORY_NANOS);
        updatedAt = now;
    }
}
