package dev.orrery.executor;

import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.HandlerCall;
import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.bus.BusMessage.HandlerStop;
import dev.orrery.domain.task.LogEntry;
import dev.orrery.domain.task.LogLevel;
import dev.orrery.domain.task.SnoozeRule;
import dev.orrery.handler.Call;
import dev.orrery.handler.NoRetryException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A call that a handler of a jar works on. */
final class RunningCall implements Call {

    private static final int SHOWN_INPUT = 200;

    private final HandlerCall call;
    private final CallAccess access;
    private final CallVoice voice;
    private final Executor loop;

    // Guarded by this.
    private final List<Runnable> stopActions = new ArrayList<>(1);
    private boolean stopped;
    private Optional<Duration> snooze = Optional.empty();
    private @Nullable Thread thread;

    /** @param loop where actions of the handler are run */
    RunningCall(Vertx vertx, Bus bus, HandlerCall call, CallAccess access, SharedRoom room, Executor loop) {
        this.call = call;
        this.access = access;
        this.loop = loop;
        this.voice = new CallVoice(vertx, bus, call, CallVoice.USUAL, room, this::stop);
    }

    @Override
    public String handler() {
        return call.handler();
    }

    @Override
    public String inputText() {
        return call.input().text();
    }

    @Override
    public @Nullable Object input() {
        return Json.decodeValue(inputText());
    }

    @Override
    public JsonObject inputObject() {
        return switch (input()) {
            case null -> new JsonObject();
            case JsonObject object -> object;
            default -> {
                var text = inputText();
                throw new NoRetryException("handler '" + handler() + "' takes an object; got "
                        + (text.length() <= SHOWN_INPUT ? text : text.substring(0, SHOWN_INPUT) + "…"));
            }
        };
    }

    @Override
    public UUID runId() {
        return call.instanceId().runId().value();
    }

    @Override
    public UUID taskInstanceId() {
        return call.instanceId().value();
    }

    @Override
    public int attempt() {
        return call.attempt();
    }

    @Override
    public long fence() {
        return call.fence();
    }

    @Override
    public String tenant() {
        return call.tenant();
    }

    @Override
    public Optional<String> traceparent() {
        return call.traceparent();
    }

    @Override
    public String api() {
        return access.apiUrl().get();
    }

    @Override
    public String token() {
        return access.tokens().of(call.instanceId(), call.fence());
    }

    @Override
    public void log(Level level, String message) {
        say(level, message, Optional.empty());
    }

    @Override
    public void log(Level level, String message, JsonObject data) {
        say(level, message, Optional.of(new dev.orrery.domain.Json(data.encode())));
    }

    private void say(Level level, String message, Optional<dev.orrery.domain.Json> data) {
        voice.say(new LogEntry(Instant.now(), LogLevel.valueOf(level.name()), message, data).text());
    }

    @Override
    public void progress(int percent) {
        if (percent < 0 || percent > 100) {
            throw new IllegalArgumentException("progress goes from 0 to 100, was " + percent);
        }
        voice.progress(percent);
    }

    @Override
    public void snooze(Duration time) {
        if (!SnoozeRule.isFit(time)) {
            throw new IllegalArgumentException(SnoozeRule.bounds() + ", was " + time);
        }
        synchronized (this) {
            snooze = Optional.of(time);
        }
    }

    /** What its end means. */
    HandlerReply reply(HandlerReply done) {
        synchronized (this) {
            return snooze.isPresent() ? new HandlerReply(dev.orrery.domain.Json.NULL, done.log(), snooze) : done;
        }
    }

    @Override
    public synchronized boolean isStopped() {
        return stopped;
    }

    @Override
    public void onStop(Runnable action) {
        synchronized (this) {
            if (!stopped) {
                stopActions.add(action);
                return;
            }
        }
        loop.execute(action);
    }

    /** Tells the handler to end; once is enough. */
    void stop() {
        List<Runnable> actions;
        synchronized (this) {
            stopped = true;
            actions = List.copyOf(stopActions);
            stopActions.clear();
            if (thread != null) {
                thread.interrupt();
            }
        }
        actions.forEach(loop::execute);
    }

    boolean isMeant(HandlerStop stop) {
        return call.caller().isEmpty()
                && call.instanceId().equals(stop.instanceId())
                && call.attempt() == stop.attempt();
    }

    /** From now on this thread works for the handler, and is interrupted when it is to stop; {@code null}: none does. */
    synchronized void worksOn(@Nullable Thread worker) {
        thread = worker;
        if (worker != null && stopped) {
            worker.interrupt();
        }
    }

    /** Completes when everything that was said is heard. */
    Future<Void> endLog() {
        return voice.end();
    }
}
