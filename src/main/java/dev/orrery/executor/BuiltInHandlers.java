package dev.orrery.executor;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerStop;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.LogEntry;
import dev.orrery.domain.task.LogLevel;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The handlers every node has, registered on the bus like any other: {@code noop}, {@code echo}, {@code sleep}, {@code log}. */
final class BuiltInHandlers {

    static final List<String> NAMES = List.of("noop", "echo", "sleep", "log");

    private static final HandlerReply NOTHING = new HandlerReply(Json.NULL, List.of());
    private static final Future<HandlerReply> DONE = Future.succeededFuture(NOTHING);
    private static final long MAX_SLEEP_MILLIS = TaskDefinition.MAX_TIMEOUT.toMillis();
    private static final String INFO = LogLevel.INFO.wireName();

    private final Vertx vertx;
    private final Map<Attempt, Promise<HandlerReply>> sleepers = new ConcurrentHashMap<>();
    private final List<MessageConsumer<?>> consumers;

    private record Attempt(TaskInstanceId instanceId, int attempt) {}

    BuiltInHandlers(Vertx vertx, Bus bus) {
        this.vertx = vertx;
        consumers = List.of(
                register(bus, "noop", _ -> DONE),
                register(bus, "echo", call -> Future.succeededFuture(new HandlerReply(call.input(), List.of()))),
                register(bus, "sleep", this::sleep),
                register(bus, "log", BuiltInHandlers::log),
                bus.listen(Addresses.HANDLER_STOP, this::wake));
    }

    Future<?> close() {
        return Future.all(consumers.stream().map(MessageConsumer::unregister).toList());
    }

    private static MessageConsumer<?> register(
            Bus bus, String name, Function<HandlerCall, Future<HandlerReply>> handler) {
        return bus.answer(Addresses.handler(name), handler);
    }

    private Future<HandlerReply> sleep(HandlerCall call) {
        var millis = sleepMillis(call);
        if (millis == 0) {
            return DONE;
        }
        var attempt = new Attempt(call.instanceId(), call.attempt());
        Promise<HandlerReply> awake = Promise.promise();
        sleepers.put(attempt, awake);
        var timer = vertx.setTimer(millis, _ -> awake.tryComplete(NOTHING));
        return awake.future().onComplete(_ -> {
            vertx.cancelTimer(timer);
            sleepers.remove(attempt, awake);
        });
    }

    private void wake(HandlerStop stop) {
        var awake = sleepers.get(new Attempt(stop.instanceId(), stop.attempt()));
        if (awake != null) {
            awake.tryFail("stopped while it slept");
        }
    }

    private static long sleepMillis(HandlerCall call) {
        var value = fields(call).getValue("ms");
        if (value instanceof Integer || value instanceof Long) {
            var millis = ((Number) value).longValue();
            if (millis >= 0 && millis <= MAX_SLEEP_MILLIS) {
                return millis;
            }
        }
        throw wrongInput("sleep takes {ms: N}, a whole number from 0 to " + MAX_SLEEP_MILLIS + "; got " + call.input());
    }

    private static Future<HandlerReply> log(HandlerCall call) {
        var fields = fields(call);
        var message = fields.getValue("message");
        if (message == null) {
            throw wrongInput(
                    "log takes {message: TEXT, level: debug|info|warning|error, data: {…}}; got " + call.input());
        }
        var data = fields.getValue("data", null);
        if (data != null && !(data instanceof JsonObject)) {
            throw wrongInput("log takes an object as data; got " + data);
        }
        var entry = new LogEntry(
                Instant.now(),
                level(fields),
                String.valueOf(message),
                Optional.ofNullable(data).map(object -> new Json(((JsonObject) object).encode())));
        return Future.succeededFuture(new HandlerReply(Json.NULL, List.of(entry.text())));
    }

    private static LogLevel level(JsonObject fields) {
        if (fields.getValue("level", INFO) instanceof String level) {
            try {
                return LogLevel.ofWireName(level);
            } catch (IllegalArgumentException _) {
                // Told below.
            }
        }
        throw wrongInput("log takes the levels debug, info, warning and error; got " + fields.getValue("level"));
    }

    private static JsonObject fields(HandlerCall call) {
        try {
            return call.input().isNull()
                    ? new JsonObject()
                    : new JsonObject(call.input().text());
        } catch (DecodeException notAnObject) {
            throw wrongInput(call.handler() + " takes an object; got " + call.input());
        }
    }

    private static OrreryException wrongInput(String message) {
        return new OrreryException(ErrorCode.VALIDATION_ERROR, shortened(message));
    }

    private static String shortened(String message) {
        return message.length() <= 500 ? message : message.substring(0, 500) + "…";
    }
}
