package dev.orrery.api;

import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import io.micrometer.core.instrument.Counter;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many requests and streams a node takes on at once, and how many bytes of bodies and answers it holds for them, counted
 * over all its event loops. May be used from any thread.
 */
final class Admission {

    private static final int LOOKS = 4;

    private final int requestsMax;
    private final int streamsMax;
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger streams = new AtomicInteger();
    private final long bytesMax;
    private final AtomicLong bytes = new AtomicLong();
    private final Counter refused;

    Admission(int requestsMax, int streamsMax, long bytesMax, Metrics metrics) {
        this.requestsMax = requestsMax;
        this.streamsMax = streamsMax;
        this.bytesMax = bytesMax;
        this.refused = metrics.counter(Metric.HTTP_REFUSED);
        metrics.gauge(Metric.HTTP_IN_FLIGHT, requests::get);
        metrics.gauge(Metric.HTTP_HELD_BYTES, bytes::get);
        metrics.gauge(Metric.HTTP_STREAMS, streams::get);
    }

    /** Whether one more request may come in; it must leave again. */
    boolean enterRequest() {
        return enter(requests, requestsMax);
    }

    /** The same for whoever wants to see how the node is, which matters most when it has no room for others. */
    boolean enterLook() {
        return enter(requests, requestsMax + LOOKS);
    }

    void leaveRequest() {
        requests.decrementAndGet();
    }

    /** Whether one more stream may be opened; it must leave again. */
    boolean enterStream() {
        return enter(streams, streamsMax);
    }

    void leaveStream() {
        streams.decrementAndGet();
    }

    /** Whether there is room for so many bytes more, however many they are where none are held; they must leave again. */
    boolean enterBytes(long count) {
        return enterBytes(count, 0);
    }

    /** The same for one that holds some already: where nobody else holds any it may have as many as it comes to. */
    boolean enterBytes(long count, long own) {
        var held = bytes.addAndGet(count);
        if (held <= bytesMax || held == own + count) {
            return true;
        }
        bytes.addAndGet(-count);
        refused.increment();
        return false;
    }

    /** Whether so many bytes more would find room now; nothing is kept for them. */
    boolean hasRoom(long count) {
        var held = bytes.get();
        if (held == 0 || held + count <= bytesMax) {
            return true;
        }
        refused.increment();
        return false;
    }

    void leaveBytes(long count) {
        bytes.addAndGet(-count);
    }

    private boolean enter(AtomicInteger count, int max) {
        if (count.incrementAndGet() <= max) {
            return true;
        }
        count.decrementAndGet();
        refused.increment();
        return false;
    }
}
