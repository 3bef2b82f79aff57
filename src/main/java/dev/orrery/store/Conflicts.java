package dev.orrery.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/** Tries a transaction again that was refused for another one's sake, after a short wait of random length. */
public final class Conflicts {

    private static final int TRIES = 6;
    private static final long FIRST_WAIT_MILLIS = 5;

    private Conflicts() {}

    /** The result of the first try that meets no other transaction, or the failure of the last of a few. */
    public static <T> Future<T> retry(Vertx vertx, Supplier<Future<T>> transaction) {
        return attempt(vertx, transaction, 1);
    }

    private static <T> Future<T> attempt(Vertx vertx, Supplier<Future<T>> transaction, int number) {
        return transaction.get().recover(error -> {
            if (number == TRIES || !StoreFailures.isConflict(error)) {
                return Future.failedFuture(error);
            }
            var longest = FIRST_WAIT_MILLIS << number;
            return vertx.timer(ThreadLocalRandom.current().nextLong(1, longest + 1))
                    .compose(_ -> attempt(vertx, transaction, number + 1));
        });
    }
}
