package dev.orrery.coordination;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The database's time, carried on between heartbeats by this process's monotonic clock; the wall clock of the host plays
 * no part. May be read from any thread.
 */
public final class DatabaseClock {

    /** Milliseconds since 1970 at the moment at which {@link System#nanoTime} was 0. */
    private final AtomicLong origin = new AtomicLong();

    public DatabaseClock(long epochMillis) {
        set(epochMillis);
    }

    /** Takes over what the database said just now. */
    public void set(long epochMillis) {
        origin.set(epochMillis - System.nanoTime() / 1_000_000);
    }

    /** Now, in nanoseconds since 1970: no nearer to the database's time than {@link #millis}, but it tells short times apart. */
    public long nanos() {
        return origin.get() * 1_000_000 + System.nanoTime();
    }

    /** Now, in milliseconds since 1970. */
    public long millis() {
        return origin.get() + System.nanoTime() / 1_000_000;
    }
}
