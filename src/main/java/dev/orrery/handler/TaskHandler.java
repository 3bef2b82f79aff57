package dev.orrery.handler;

import io.vertx.core.Future;

/** What runs on an event loop: it must return at once, with a Future. */
@FunctionalInterface
public interface TaskHandler {

    /**
     * Works on a call. The result becomes the task's output: null, a text, a number, a boolean, a JsonObject or JsonArray, or
     * a Map or List of these; at most 256 KiB as JSON.
     *
     * <p>A failed Future, like an exception, fails the attempt, which is tried again as the task's retry says; with a
     * {@link NoRetryException} it is not.
     */
    Future<?> handle(Call call) throws Exception;
}
