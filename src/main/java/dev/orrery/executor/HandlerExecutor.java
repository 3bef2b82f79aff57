package dev.orrery.executor;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerStop;
import dev.orrery.domain.Json;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.AttemptOutcome.Failed;
import dev.orrery.domain.task.AttemptOutcome.Succeeded;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.time.Duration;

/** Asks whoever registered a handler of that name on the bus; its reply is the output. */
final class HandlerExecutor implements TaskExecutor {

    private static final Duration MARGIN = Duration.ofSeconds(5);
    private static final int TIMEOUT_STATUS = 408;
    private static final int OVERLOADED_STATUS = 429;

    private final Vertx vertx;
    private final Bus bus;
    private final Duration stopGrace;

    HandlerExecutor(Vertx vertx, Bus bus, Duration stopGrace) {
        this.vertx = vertx;
        this.bus = bus;
        this.stopGrace = stopGrace;
    }

    @Override
    public Execution start(TaskContext context, AttemptLog log) {
        var task = (TaskType.Handler) context.task().type();
        var call =
                new HandlerCall(context.instanceId(), context.attempt(), context.fence(), task.handler(), task.input());
        // The worker stops the attempt at its timeout; this limit only keeps a lost reply from waiting for ever.
        var limit = context.task().timeout().plus(stopGrace).plus(MARGIN);
        var execution = new HandlerExecution(call);
        bus.request(Addresses.handler(task.handler()), call, limit)
                .onSuccess(reply -> execution.complete(succeeded(call, reply, log)))
                .onFailure(error -> execution.complete(failed(call, error, limit)));
        return execution;
    }

    private static AttemptOutcome succeeded(HandlerCall call, HandlerReply reply, AttemptLog log) {
        reply.log().forEach(log::line);
        var output = reply.output();
        if (output.equals(Json.NULL) || output.equals(call.input())) {
            return new Succeeded(output);
        }
        if (output.text().length() > OutputJson.LIMIT) {
            return new Failed(
                    "handler '" + call.handler() + "' replied more than " + OutputJson.LIMIT / 1024 + " KiB", false);
        }
        return switch (OutputJson.read(output.text())) {
            case OutputJson.Reading.Value(var json) -> new Succeeded(json);
            case OutputJson.Reading.Unreadable(var reason) ->
                new Failed("the reply of handler '" + call.handler() + "' is not JSON: " + reason, false);
        };
    }

    private static AttemptOutcome failed(HandlerCall call, Throwable error, Duration limit) {
        var name = "handler '" + call.handler() + "'";
        if (!(error instanceof ReplyException reply)) {
            return new Failed(name + " cannot be called: " + error.getMessage(), true);
        }
        if (reply.failureType() == ReplyFailure.NO_HANDLERS) {
            return new Failed(
                    "no handler named '" + call.handler() + "' is registered; built in: "
                            + String.join(", ", BuiltInHandlers.NAMES),
                    true);
        }
        if (reply.failureType() == ReplyFailure.TIMEOUT) {
            return new Failed(name + " gave no reply within " + limit, true);
        }
        return new Failed(LogText.clean(String.valueOf(reply.getMessage())), isWorthAnotherTry(reply.failureCode()));
    }

    /** A handler that says its input is wrong (4xx) would say so again. */
    private static boolean isWorthAnotherTry(int code) {
        return code < 400 || code >= 500 || code == TIMEOUT_STATUS || code == OVERLOADED_STATUS;
    }

    private final class HandlerExecution implements Execution {

        private final HandlerCall call;
        private final Promise<AttemptOutcome> outcome = Promise.promise();

        HandlerExecution(HandlerCall call) {
            this.call = call;
        }

        @Override
        public Future<AttemptOutcome> outcome() {
            return outcome.future();
        }

        /** Tells the handler; one that does not answer within the grace is left alone, and its late reply ignored. */
        @Override
        public void stop() {
            bus.publish(Addresses.HANDLER_STOP, new HandlerStop(call.instanceId(), call.attempt()));
            vertx.setTimer(
                    Math.max(1, stopGrace.toMillis()),
                    _ -> complete(new Failed(
                            "handler '" + call.handler() + "' did not end within " + stopGrace + " of being told to",
                            true)));
        }

        void complete(AttemptOutcome result) {
            outcome.tryComplete(result);
        }
    }
}
