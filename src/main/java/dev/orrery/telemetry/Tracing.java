package dev.orrery.telemetry;

import dev.orrery.domain.TraceContext;
import dev.orrery.domain.TraceSampling;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the node records its part of traces. Off by default; then nobody makes a span.
 *
 * <p>Runs and attempts have ids of spans that follow from their own, so a trace goes through the database and over nodes without
 * anything being handed along. That is also why spans are recorded when they are over, with their ids and times, and no library
 * follows them through the threads: one that did would make spans of every statement and every message on the event bus.
 *
 * <p>Times are the database's, carried on by the node's clock, so that the spans of several nodes fit together. From any thread.
 */
public final class Tracing implements AutoCloseable {

    public static final Tracing OFF = new Tracing(TraceSampling.ALL, () -> 0, null);

    private final TraceSampling sampling;
    private final LongSupplier clock;
    private final @Nullable SpanExport export;

    /**
     * Where spans go.
     *
     * @param endpoint the collector, such as {@code http://127.0.0.1:4318}
     * @param headers what it wants to be told with each request
     * @param timeout how long it may take to answer
     * @param flushLimit how long closing may wait for it
     * @param about what it is told of the node, such as {@code service.name}
     */
    public record Collector(
            URI endpoint,
            Map<String, String> headers,
            Duration timeout,
            Duration flushLimit,
            Map<String, Object> about) {}

    private Tracing(TraceSampling sampling, LongSupplier clock, @Nullable SpanExport export) {
        this.sampling = sampling;
        this.clock = clock;
        this.export = export;
    }

    /** Begins to send; {@code clock} is the database's time, in nanoseconds since 1970. */
    public static Tracing to(Collector collector, TraceSampling sampling, LongSupplier clock, Metrics metrics) {
        var export = new SpanExport(
                collector.endpoint(),
                collector.headers(),
                collector.timeout(),
                collector.flushLimit(),
                collector.about(),
                metrics);
        export.start();
        return new Tracing(sampling, clock, export);
    }

    public boolean isOn() {
        return export != null;
    }

    /** Which new traces are recorded. */
    public TraceSampling sampling() {
        return sampling;
    }

    /** Now, in nanoseconds since 1970. */
    public long nowNanos() {
        return clock.getAsLong();
    }

    /** Records what is sampled. Never waits and never fails: where there is no room it is dropped. */
    public void record(Span span) {
        if (export != null && span.place().isSampled()) {
            export.add(span);
        }
    }

    /** So many runs or attempts may be over and cannot be recorded, since nobody knows in time what they were. */
    public void unread(int count) {
        if (export != null) {
            export.unread(count);
        }
    }

    /** The first place of a new trace. */
    public TraceContext begin() {
        var random = ThreadLocalRandom.current();
        var trace = new UUID(random.nextLong(), random.nextLong() | 1);
        return new TraceContext(trace, newSpan(), sampling.flags(trace));
    }

    /** The id of a span that nobody else has to know. */
    public static long newSpan() {
        long id;
        do {
            id = ThreadLocalRandom.current().nextLong();
        } while (id == 0);
        return id;
    }

    /** Sends what waits. Blocks, for a bounded time. */
    @Override
    public void close() {
        if (export != null) {
            export.close();
        }
    }
}
