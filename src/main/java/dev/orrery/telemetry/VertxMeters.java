package dev.orrery.telemetry;

import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.metrics.MetricsOptions;
import io.vertx.core.spi.VertxMetricsFactory;
import io.vertx.core.spi.metrics.EventBusMetrics;
import io.vertx.core.spi.metrics.PoolMetrics;
import io.vertx.core.spi.metrics.VertxMetrics;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counts what Vert.x tells of its event bus and of the pools of connections to the database, and of nothing else. */
public final class VertxMeters implements VertxMetricsFactory {

    private static final String DATABASE = "sql";

    private final Metrics metrics;

    public VertxMeters(Metrics metrics) {
        this.metrics = metrics;
    }

    @Override
    public MetricsOptions newOptions() {
        return new MetricsOptions().setEnabled(true);
    }

    @Override
    public VertxMetrics metrics(VertxOptions options) {
        return new VertxMetrics() {
            @Override
            public EventBusMetrics<Object> createEventBusMetrics() {
                return new BusMeters(metrics);
            }

            @Override
            public @Nullable PoolMetrics<?, ?> createPoolMetrics(String type, String name, int maxSize) {
                return type.equals(DATABASE) ? new ConnectionMeters(metrics, name, maxSize) : null;
            }
        };
    }

    /** Called for every message, from any thread. */
    private static final class BusMeters implements EventBusMetrics<Object> {

        private static final Object ANY = new Object();

        private final LongAdder messages = new LongAdder();
        private final LongAdder pending = new LongAdder();
        private final LongAdder discarded = new LongAdder();
        private final Metrics metrics;

        private BusMeters(Metrics metrics) {
            this.metrics = metrics;
            metrics.counter(Metric.BUS_MESSAGES, messages::sum);
            metrics.gauge(Metric.BUS_PENDING, () -> Math.max(0, pending.sum()));
            metrics.counter(Metric.BUS_DISCARDED, discarded::sum);
            for (var reason : ReplyFailure.values()) {
                metrics.counter(Metric.BUS_REQUESTS_FAILED, text(reason));
            }
        }

        @Override
        public Object handlerRegistered(String address) {
            return ANY;
        }

        @Override
        public void messageSent(String address, boolean publish, boolean local, boolean remote) {
            messages.increment();
        }

        @Override
        public void scheduleMessage(Object handler, boolean local) {
            pending.increment();
        }

        @Override
        public void messageDelivered(Object handler, boolean local) {
            pending.decrement();
        }

        @Override
        public void discardMessage(Object handler, boolean local, Message<?> message) {
            pending.decrement();
            discarded.increment();
        }

        @Override
        public void replyFailure(String address, ReplyFailure failure) {
            metrics.counter(Metric.BUS_REQUESTS_FAILED, text(failure)).increment();
        }

        private static String text(ReplyFailure failure) {
            return switch (failure) {
                case TIMEOUT, NO_HANDLERS, ERROR -> failure.name().toLowerCase(Locale.ROOT);
                case RECIPIENT_FAILURE -> "failed";
            };
        }
    }

    /** One pool; there are few, and their names are in the code. */
    private static final class ConnectionMeters implements PoolMetrics<Object, Object> {

        private static final Object ANY = new Object();

        private final AtomicInteger inUse = new AtomicInteger();
        private final AtomicInteger waiting = new AtomicInteger();

        private ConnectionMeters(Metrics metrics, String pool, int max) {
            metrics.gauge(Metric.POOL_IN_USE, inUse::get, pool);
            metrics.gauge(Metric.POOL_WAITING, waiting::get, pool);
            metrics.gauge(Metric.POOL_MAX, () -> max, pool);
        }

        @Override
        public Object enqueue() {
            waiting.incrementAndGet();
            return ANY;
        }

        @Override
        public void dequeue(Object request) {
            waiting.decrementAndGet();
        }

        @Override
        public Object begin() {
            inUse.incrementAndGet();
            return ANY;
        }

        @Override
        public void end(Object use) {
            inUse.decrementAndGet();
        }
    }
}
