package dev.orrery.executor;

import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.FailureKind;
import io.vertx.core.Future;

/** An attempt at what nobody can do, now or later. */
record FailedAtOnce(String why) implements Execution {

    @Override
    public Future<AttemptOutcome> outcome() {
        return Future.succeededFuture(new AttemptOutcome.Failed(why, false, new FailureKind.CouldNotStart()));
    }

    @Override
    public void stop() {
        // It has ended.
    }
}
