package dev.orrery.engine;

import static dev.orrery.testing.Await.until;

import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.executor.AttemptLog;
import dev.orrery.executor.Execution;
import dev.orrery.executor.TaskContext;
import dev.orrery.executor.TaskExecutor;
import io.vertx.core.Promise;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Attempts that do not end when they are stopped, but when the test says so: the one that began first. */
final class StubbornTasks implements TaskExecutor {

    private final ConcurrentLinkedQueue<HeldTasks.Begun> begun = new ConcurrentLinkedQueue<>();
    private final AtomicInteger stopped = new AtomicInteger();

    @Override
    public Execution start(TaskContext context, AttemptLog log) {
        Promise<AttemptOutcome> outcome = Promise.promise();
        begun.add(new HeldTasks.Begun(outcome));
        return HeldTasks.execution(outcome.future(), stopped::incrementAndGet);
    }

    void awaitBegun() {
        until("an attempt has begun", () -> !begun.isEmpty());
    }

    /** How often an attempt was told to stop. */
    int stopped() {
        return stopped.get();
    }

    void end(AttemptOutcome outcome) {
        awaitBegun();
        begun.remove().end(outcome);
    }
}
