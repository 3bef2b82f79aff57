package dev.orrery.testing;

import io.vertx.core.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** Waiting with a limit. */
public final class Await {

    private static final long LIMIT_SECONDS = 30;

    private Await() {}

    /** The result, or the failure thrown. */
    public static <T> T await(Future<T> future) {
        try {
            return future.await(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("no answer within " + LIMIT_SECONDS + " s", e);
        }
    }

    /** Looks again and again, until it holds; fails with the description at the limit. */
    public static void until(String description, BooleanSupplier condition) {
        until(description, Duration.ofSeconds(LIMIT_SECONDS), condition);
    }

    /** The same with a limit of its own, for what takes long. */
    public static void until(String description, Duration limit, BooleanSupplier condition) {
        var deadline = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("within " + limit.toSeconds() + " s it did not come to pass: " + description);
            }
            java.util.concurrent.locks.LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }
}
