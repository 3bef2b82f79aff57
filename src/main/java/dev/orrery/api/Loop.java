package dev.orrery.api;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * The event loop of a request: what others answer, on whichever thread, is brought back to it.
 *
 * @param context where the request is handled
 */
record Loop(Context context) {

    /** The loop that is running now. */
    static Loop current(Vertx vertx) {
        return new Loop(vertx.getOrCreateContext());
    }

    /** The same result, told on this loop. */
    <T> Future<T> bring(Future<T> result) {
        var here = Promise.<T>promise();
        result.onComplete((value, failure) -> run(() -> here.complete(value, failure)));
        return here.future();
    }

    /**
     * The same; fails with a {@link TimeoutException} where it takes longer. Called on this loop. A Future's own timeout is kept
     * by a thread of its own where the Future knows no context, and to wake that one costs more than the rest.
     *
     * @param late is given a result that comes after that
     */
    <T> Future<T> bring(Future<T> result, Duration limit, Consumer<T> late) {
        var here = Promise.<T>promise();
        var timer = context.owner()
                .setTimer(limit.toMillis(), _ -> here.tryFail(new TimeoutException("no answer within " + limit)));
        result.onComplete((value, failure) -> run(() -> {
            context.owner().cancelTimer(timer);
            if (failure != null) {
                here.tryFail(failure);
            } else if (!here.tryComplete(value)) {
                late.accept(value);
            }
        }));
        return here.future();
    }

    /** Runs it soon, on this loop. */
    void later(Runnable work) {
        context.runOnContext(_ -> work.run());
    }

    private void run(Runnable work) {
        if (Vertx.currentContext() == context) {
            work.run();
        } else {
            context.runOnContext(_ -> work.run());
        }
    }
}
