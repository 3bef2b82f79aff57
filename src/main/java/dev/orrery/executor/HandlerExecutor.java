package dev.orrery.executor;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerHeard;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerSaid;
import dev.orrery.bus.BusMessage.HandlerStop;
import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Snoozed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import dev.orrery.domain.task.Durations;
import dev.orrery.domain.task.FailureKind.NamedError;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Asks whoever registered a handler of that name, here or else on another node; its reply is the output.
 *
 * <p>A handler on another node says something at least every second. When it falls silent its node is lost, and the attempt
 * fails; a handler whose caller answers no more stops by itself, and does so earlier.
 */
final class HandlerExecutor implements TaskExecutor {

    private static final Pattern THROWN =
            Pattern.compile("(?:[a-z_][A-Za-z0-9_]*\\.)+(?:[A-Za-z0-9_]+\\$)*(?<name>[A-Z][A-Za-z0-9_]*)(?::|$)");
    private static final Duration LISTEN_EVERY = Duration.ofSeconds(1);
    private static final Duration MARGIN = Duration.ofSeconds(5);
    private static final int TIMEOUT_STATUS = 408;
    private static final int OVERLOADED_STATUS = 429;

    private final Vertx vertx;
    private final Bus bus;
    private final Duration stopGrace;

    /** How long a handler on another node may say nothing: longer than it goes on when it is not heard. */
    private final Duration silenceLimit;

    private final Map<Claimed, HandlerExecution> running = new ConcurrentHashMap<>();
    private final MessageConsumer<HandlerSaid> ear;

    /** A task under the fence of its claim. */
    private record Claimed(TaskInstanceId instanceId, long fence) {}

    HandlerExecutor(Vertx vertx, Bus bus, Duration stopGrace) {
        this(vertx, bus, stopGrace, CallVoice.USUAL);
    }

    HandlerExecutor(Vertx vertx, Bus bus, Duration stopGrace, CallVoice.Patience patience) {
        this.vertx = vertx;
        this.bus = bus;
        this.stopGrace = stopGrace;
        this.silenceLimit = patience.deafLimit().multipliedBy(3).dividedBy(2);
        ear = bus.answer(Addresses.handlerSaid(), said -> Future.succeededFuture(hear(said)));
    }

    @Override
    public Execution start(TaskContext context, AttemptLog log) {
        var call = call(context);
        // The worker stops the attempt at its timeout; this limit only keeps a lost reply from waiting for ever.
        var limit = context.task().timeout().plus(stopGrace).plus(MARGIN);
        var execution = new HandlerExecution(call, log);
        var key = new Claimed(call.instanceId(), call.fence());
        running.put(key, execution);
        bus.request(Addresses.handler(call.handler()), call, limit)
                .recover(error -> isUnknown(error) ? execution.callElsewhere(limit) : Future.failedFuture(error))
                .onSuccess(reply -> execution.complete(succeeded(call, reply, log)))
                .onFailure(error -> execution.complete(failed(call, error, limit)));
        execution.outcome().onComplete(_ -> running.remove(key, execution));
        return execution;
    }

    Future<Void> close() {
        return ear.unregister();
    }

    private HandlerHeard hear(HandlerSaid said) {
        var execution = running.get(new Claimed(said.instanceId(), said.fence()));
        return new HandlerHeard(execution != null && execution.hear(said));
    }

    private static boolean isUnknown(Throwable error) {
        return error instanceof ReplyException reply && reply.failureType() == ReplyFailure.NO_HANDLERS;
    }

    private static HandlerCall call(TaskContext context) {
        return switch (context.task().type()) {
            case TaskType.Handler(var handler, var input) -> call(context, handler, input);
            case TaskType.FunctionCall(var handler) -> call(context, handler, context.params());
            case TaskType.Shell _, TaskType.Http _, TaskType.Python _, TaskType.RemoteWork _, TaskType.Unreadable _ ->
                throw new IllegalArgumentException(
                        "no handler does task " + context.task().id());
        };
    }

    private static HandlerCall call(TaskContext context, String handler, Json input) {
        var traceparent = Optional.of(context.trace().traceparent());
        return new HandlerCall(
                context.instanceId(),
                context.attempt(),
                context.fence(),
                handler,
                input,
                context.tenant().name(),
                traceparent);
    }

    private static AttemptOutcome succeeded(HandlerCall call, HandlerReply reply, AttemptLog log) {
        reply.log().forEach(log::line);
        if (reply.snooze().isPresent()) {
            return new Snoozed(reply.snooze().get());
        }
        var output = reply.output();
        if (output.equals(Json.NULL) || output.equals(call.input())) {
            return new Succeeded(output);
        }
        if (output.text().length() > OutputJson.LIMIT) {
            return new Failed(
                    "handler '" + call.handler() + "' replied more than " + OutputJson.LIMIT / 1024 + " KiB",
                    false,
                    new NamedError("BadOutput"));
        }
        return switch (OutputJson.read(output.text())) {
            case OutputJson.Reading.Value(var json) -> new Succeeded(json);
            case OutputJson.Reading.Unreadable(var reason) ->
                new Failed(
                        "the reply of handler '" + call.handler() + "' is not JSON: " + reason,
                        false,
                        new NamedError("BadOutput"));
        };
    }

    private static AttemptOutcome failed(HandlerCall call, Throwable error, Duration limit) {
        var name = "handler '" + call.handler() + "'";
        if (!(error instanceof ReplyException reply)) {
            return new Failed(name + " cannot be called: " + error.getMessage(), true, new NamedError("NotCallable"));
        }
        if (reply.failureType() == ReplyFailure.NO_HANDLERS) {
            return new Failed(
                    "no handler named '" + call.handler() + "' is registered on any node; built in: "
                            + String.join(", ", BuiltInHandlers.NAMES)
                            + "; others come from the jars in a node's handlers.dir",
                    true,
                    new NamedError("NoHandler"));
        }
        if (reply.failureType() == ReplyFailure.TIMEOUT) {
            return new Failed(name + " gave no reply within " + Durations.text(limit), true, new NamedError("NoReply"));
        }
        var message = LogText.clean(String.valueOf(reply.getMessage()));
        return new Failed(message, isWorthAnotherTry(reply.failureCode()), thrown(message));
    }

    /** What a handler threw comes as text, which begins with the class of what is more than a message. */
    private static NamedError thrown(String message) {
        var found = THROWN.matcher(message);
        return found.lookingAt() ? new NamedError(found.group("name")) : NamedError.OTHER;
    }

    /** A handler that says its input is wrong (4xx) would say so again. */
    private static boolean isWorthAnotherTry(int code) {
        return code < 400 || code >= 500 || code == TIMEOUT_STATUS || code == OVERLOADED_STATUS;
    }

    private final class HandlerExecution implements Execution {

        private final HandlerCall call;
        private final CallEar log;
        private final Promise<AttemptOutcome> outcome = Promise.promise();
        private volatile boolean isStopped;
        private volatile long heardNanos = System.nanoTime();

        HandlerExecution(HandlerCall call, AttemptLog log) {
            this.call = call;
            this.log = new CallEar(log);
        }

        @Override
        public Future<AttemptOutcome> outcome() {
            return outcome.future();
        }

        /** Tells the handler; one that does not answer within the grace is left alone, and its late reply ignored. */
        @Override
        public void stop() {
            isStopped = true;
            tellToStop();
            // Again, since a handler may have been called and not have begun.
            var again = vertx.setPeriodic(LISTEN_EVERY.toMillis(), _ -> tellToStop());
            outcome.future().onComplete(_ -> vertx.cancelTimer(again));
            vertx.setTimer(
                    Math.max(1, stopGrace.toMillis()),
                    _ -> complete(new Failed(
                            "handler '" + call.handler() + "' did not end within " + Durations.text(stopGrace)
                                    + " of being told to",
                            true)));
        }

        private void tellToStop() {
            bus.publish(Addresses.HANDLER_STOP, new HandlerStop(call.instanceId(), call.attempt()));
        }

        Future<HandlerReply> callElsewhere(Duration limit) {
            heardNanos = System.nanoTime();
            var watch = vertx.setPeriodic(LISTEN_EVERY.toMillis(), _ -> requireVoice());
            outcome.future().onComplete(_ -> vertx.cancelTimer(watch));
            return bus.callElsewhere(call, limit);
        }

        private void requireVoice() {
            if (System.nanoTime() - heardNanos > silenceLimit.toNanos()) {
                complete(new Failed(
                        "the node that ran handler '" + call.handler() + "' said nothing for "
                                + silenceLimit.toSeconds() + " s and is taken for lost",
                        true,
                        new NamedError("HandlerLost")));
            }
        }

        /** Whether the handler is to go on. */
        boolean hear(HandlerSaid said) {
            heardNanos = System.nanoTime();
            log.hear(said);
            return !isStopped && !outcome.future().isComplete();
        }

        void complete(AttemptOutcome result) {
            outcome.tryComplete(result);
        }
    }
}
