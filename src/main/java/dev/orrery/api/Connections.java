package dev.orrery.api;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * The open connections of one event loop. One that delivers no complete request head in time is closed, however diligently
 * it drips. Where there are as many as may be, the one that was quiet for the longest time makes room for what comes, if it
 * was for a while; else what comes is closed. So those that only stand there keep nobody out.
 */
final class Connections implements Handler<RoutingContext> {

    private static final int SWEEPS_PER_LIMIT = 10;

    private final Vertx vertx;
    private final Limits limits;
    private final LongSupplier nanos;
    private final Duration quietEnough;
    private final long sweeper;
    private final Map<HttpConnection, State> open = new HashMap<>();

    private static final class State {
        private final PipelineLimit pipeline;
        private int requests;
        private long quietSince;

        State(PipelineLimit pipeline, long now) {
            this.pipeline = pipeline;
            this.quietSince = now;
        }
    }

    /** {@code nanos}: a clock that only goes forward, as {@link System#nanoTime}. */
    Connections(Vertx vertx, Limits limits, LongSupplier nanos) {
        this.vertx = vertx;
        this.limits = limits;
        this.nanos = nanos;
        this.quietEnough = limits.head().dividedBy(SWEEPS_PER_LIMIT);
        this.sweeper = vertx.setPeriodic(Math.max(1, quietEnough.toMillis()), _ -> closeSlow());
    }

    void opened(HttpConnection connection) {
        if (open.size() >= limits.connections() && !makeRoom()) {
            connection.close();
            return;
        }
        open.put(connection, new State(PipelineLimit.guard(connection), nanos.getAsLong()));
        connection.closeHandler(_ -> open.remove(connection));
    }

    /** A complete head has arrived; the connection is at work until the answer has ended. */
    @Override
    public void handle(RoutingContext context) {
        var state = open.get(context.request().connection());
        if (state != null) {
            state.requests++;
            context.addEndHandler(_ -> {
                state.requests--;
                state.pipeline.answered();
                state.quietSince = nanos.getAsLong();
            });
        }
        context.next();
    }

    /** False where none was quiet for long enough. */
    private boolean makeRoom() {
        var now = nanos.getAsLong();
        return open.entrySet().stream()
                .filter(entry -> entry.getValue().requests == 0)
                .max(Comparator.comparingLong(entry -> now - entry.getValue().quietSince))
                .filter(entry -> now - entry.getValue().quietSince > quietEnough.toNanos())
                .map(Map.Entry::getKey)
                .map(quiet -> {
                    open.remove(quiet);
                    quiet.close();
                    return true;
                })
                .orElse(false);
    }

    private void closeSlow() {
        var now = nanos.getAsLong();
        for (var entry : List.copyOf(open.entrySet())) {
            var state = entry.getValue();
            if (state.requests == 0 && now - state.quietSince > limits.head().toNanos()) {
                entry.getKey().close();
            }
        }
    }

    void close() {
        vertx.cancelTimer(sweeper);
    }
}
