package dev.orrery.executor;

import dev.orrery.domain.task.AttemptOutcome;
import io.vertx.core.Future;

/** An attempt at work. */
public interface Execution {

    /**
     * What the attempt did: {@link AttemptOutcome.Succeeded} or {@link AttemptOutcome.Failed}, on the event loop that
     * started it. It completes when nothing of the attempt runs any more, and it never fails.
     */
    Future<AttemptOutcome> outcome();

    /**
     * Ends the attempt: a process gets SIGTERM and after {@code tasks.kill-grace} SIGKILL, a request is aborted, a
     * handler is told. Whatever the outcome says afterwards, its caller knows why it stopped it. Repeating it is
     * harmless.
     */
    void stop();

    /** Ends the attempt at once and without a grace: it may be running elsewhere by now. Repeating it is harmless. */
    default void kill() {
        stop();
    }
}
