package dev.orrery.engine;

import static dev.orrery.testing.Await.until;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.executor.AttemptLog;
import dev.orrery.executor.Execution;
import dev.orrery.executor.TaskContext;
import dev.orrery.executor.TaskExecutor;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Ends each attempt when the test says so, or when it is stopped. */
final class HeldTasks implements TaskExecutor {

    static final AttemptOutcome SUCCEEDED = new AttemptOutcome.Succeeded(Json.NULL);

    private final Map<String, Held> begun = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<String> order = new ConcurrentLinkedQueue<>();

    /** An attempt ends on the event loop that began it, as that of every executor does. */
    private record Held(Context loop, Promise<AttemptOutcome> outcome) {

        void end(AttemptOutcome how) {
            loop.runOnContext(_ -> outcome.tryComplete(how));
        }
    }

    /** An attempt that has begun; like any executor it ends on the context on which it began. */
    record Begun(Promise<AttemptOutcome> outcome, Context context) {

        Begun(Promise<AttemptOutcome> outcome) {
            this(outcome, requireNonNull(Vertx.currentContext()));
        }

        void end(AttemptOutcome how) {
            context.runOnContext(_ -> outcome.tryComplete(how));
        }
    }

    @Override
    public Execution start(TaskContext context, AttemptLog log) {
        var held = new Held(requireNonNull(Vertx.currentContext()), Promise.promise());
        begun.put(context.task().id().value(), held);
        order.add(context.task().id().value());
        return execution(held.outcome().future(), () -> held.end(new AttemptOutcome.Failed("stopped", true)));
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
        requireNonNull(begun.remove(task)).end(outcome);
    }

    /** Every attempt that began, in this order. */
    List<String> order() {
        return List.copyOf(order);
    }
}
