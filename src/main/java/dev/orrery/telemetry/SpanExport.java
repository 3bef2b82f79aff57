package dev.orrery.telemetry;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.micrometer.core.instrument.Counter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Sends spans to a collector by OTLP over HTTP, from a thread of its own. Whoever has a span leaves it in a queue and never waits:
 * what the queue has no room for, because the collector is slow or away, is dropped and counted.
 */
final class SpanExport implements AutoCloseable {

    /** How many spans may wait; each takes about a kilobyte. */
    static final int QUEUE_SIZE = 8_192;

    private static final System.Logger LOG = System.getLogger(SpanExport.class.getName());
    private static final int BATCH = 512;
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final String PATH = "/v1/traces";

    private final BlockingQueue<Span> queue = new ArrayBlockingQueue<>(QUEUE_SIZE);
    private final OtlpHttpSpanExporter exporter;
    private final Resource resource;
    private final Duration timeout;
    private final Duration flushLimit;
    private final Counts counts;
    private final Thread thread;
    private volatile boolean closing;
    private boolean inTrouble;

    /** What became of spans. */
    private record Counts(Counter sent, Counter refused, Counter dropped, Counter unread) {}

    /**
     * @param timeout how long a batch may take, with the further tries it is given
     * @param flushLimit how long closing may take to send what waits
     * @param about what the collector is told of the node
     */
    SpanExport(
            URI endpoint,
            Map<String, String> headers,
            Duration timeout,
            Duration flushLimit,
            Map<String, Object> about,
            Metrics metrics) {
        this.timeout = timeout;
        this.flushLimit = flushLimit;
        this.resource = Resource.create(OtlpSpan.attributes(about));
        this.counts = new Counts(
                metrics.counter(Metric.TRACE_SPANS, "sent"),
                metrics.counter(Metric.TRACE_SPANS, "refused"),
                metrics.counter(Metric.TRACE_SPANS, "dropped"),
                metrics.counter(Metric.TRACE_SPANS, "unread"));
        metrics.gauge(Metric.TRACE_QUEUE, queue::size);
        var builder = OtlpHttpSpanExporter.builder()
                .setEndpoint(endpoint.toString().replaceAll("/+$", "") + PATH)
                .setTimeout(timeout)
                .setConnectTimeout(timeout)
                .setCompression("gzip");
        headers.forEach(builder::addHeader);
        this.exporter = builder.build();
        this.thread = Thread.ofPlatform().daemon().name("spans").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** Never waits. */
    void add(Span span) {
        if (closing || !queue.offer(span)) {
            counts.dropped.increment();
        }
    }

    void unread(int count) {
        counts.unread.increment(count);
    }

    private void run() {
        try {
            while (!closing) {
                var first = queue.poll(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
                if (first != null && !closing && queue.size() < BATCH - 1) {
                    // What belongs together mostly comes together.
                    Thread.sleep(PAUSE);
                }
                if (first != null) {
                    send(batch(first), timeout);
                }
            }
            flush();
        } catch (InterruptedException _) {
            // Closing takes too long: what is left is counted there.
        }
    }

    private List<SpanData> batch(Span first) {
        var spans = new ArrayList<Span>(BATCH);
        spans.add(first);
        queue.drainTo(spans, BATCH - 1);
        return spans.stream()
                .<SpanData>map(span -> new OtlpSpan(span, resource))
                .toList();
    }

    private void flush() {
        var until = System.nanoTime() + flushLimit.toNanos();
        Span first;
        while (until - System.nanoTime() > 0 && (first = queue.poll()) != null) {
            send(batch(first), Duration.ofNanos(until - System.nanoTime()));
        }
    }

    private void send(List<SpanData> batch, Duration limit) {
        var result = exporter.export(batch).join(Math.max(1, limit.toMillis()), TimeUnit.MILLISECONDS);
        (result.isSuccess() ? counts.sent : counts.refused).increment(batch.size());
        if (!result.isSuccess() && !inTrouble) {
            LOG.log(WARNING, "the collector takes no spans, they are lost until it does" + why(result));
        } else if (result.isSuccess() && inTrouble) {
            LOG.log(INFO, "the collector takes spans again");
        }
        inTrouble = !result.isSuccess();
    }

    private static String why(CompletableResultCode result) {
        var failure = result.getFailureThrowable();
        if (failure == null) {
            return ": no answer";
        }
        var text = failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
        return ": " + text;
    }

    /** Sends what waits, as far as the time suffices; blocks for at most the flush limit and a little. */
    @Override
    public void close() {
        closing = true;
        try {
            if (!thread.join(flushLimit.plus(PAUSE))) {
                thread.interrupt();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        counts.dropped.increment(queue.size());
        queue.clear();
        exporter.shutdown();
    }
}
