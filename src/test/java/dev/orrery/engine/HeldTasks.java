package dev.orrery.engine;

import static dev.orrery.testing.Await.until;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.executor.AttemptLog;
import dev.orrery.executor.Execution;
import dev.orrery.executor.TaskContext;
import dev.orrery.executor.TaskExecutor;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Ends each attempt when the test says so, or when it is stopped. */
final class HeldTasks implements TaskExecutor {

    static final AttemptOutcome SUCCEEDED = new AttemptOutcome.Succeeded(Json.NULL);

    private final Map<String, Promise<AttemptOutcome>> begun = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<String> order = new ConcurrentLinkedQueue<>();

    @Override
    public Execution start(TaskContext context, AttemptLog log) {
        Promise<AttemptOutcome> outcome = Promise.promise();
        begun.put(context.task().id().value(), outcome);
        order.add(context.task().id().value());
        return execution(outcome.future(), () -> outcome.tryComplete(new AttemptOutcome.Failed("stopped", true)));
    }

    /** An executor whose attempts all end at once. */
    static TaskExecutor endingWith(AttemptOutcome outcome) {
        return (_, _) -> execution(Future.succeededFuture(outcome), () -> {});
    }

    static Execution execution(Future<AttemptOutcome> outcome, Runnable stop) {
        return new Execution() {
            @Override
            public Future<AttemptOutcome> outcome() {
                return outcome;
            }

            @Override
            public void stop() {
                stop.run();
            }
        };
    }

    void awaitBegun(String task) {
        until(task + " has begun", () -> begun.containsKey(task));
    }

    void end(String task, AttemptOutcome outcome) {
        awaitBegun(task);
        begun.remove(task).tryComplete(outcome);
    }

    /** Every attempt that began, in this order. */
    List<String> order() {
        return List.copyOf(order);
    }
}
