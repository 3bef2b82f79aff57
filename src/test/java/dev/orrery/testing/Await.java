package dev.orrery.testing;

import io.vertx.core.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waiting with a limit. */
public final class Await {

    private static final long LIMIT_SECONDS = 30;

    /**
     * What is looked at may be a process or a database of its own, and the looking takes the processors from what is waited
     * for. So the pause between two looks is a share of the wait so far, and nothing is seen later by more than this share.
     */
    private static final int SHARE_OF_THE_WAIT = 20;

    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private Await() {}

    /** The result, or the failure thrown. */
    public static <T> T await(Future<T> future) {
        return await(future, Duration.ofSeconds(LIMIT_SECONDS));
    }

    /** The same with a limit of its own, for what takes long. */
    public static <T> T await(Future<T> future, Duration limit) {
        try {
            return future.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("no answer within " + limit.toSeconds() + " s", e);
        }
    }

    /** Looks again and again, until it holds; fails with the description at the limit. */
    public static void until(String description, BooleanSupplier condition) {
        until(description, Duration.ofSeconds(LIMIT_SECONDS), condition);
    }

    /** The same with a limit of its own, for what takes long. */
    public static void until(String description, Duration limit, BooleanSupplier condition) {
        var begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            var waited = System.nanoTime() - begin;
            if (waited > limit.toNanos()) {
                throw new AssertionError("within " + limit.toSeconds() + " s it did not come to pass: " + description);
            }
            LockSupport.parkNanos(Math.clamp(waited / SHARE_OF_THE_WAIT, SHORTEST_PAUSE_NANOS, LONGEST_PAUSE_NANOS));
        }
    }
}
