package dev.orrery.telemetry;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.TraceContext;
import dev.orrery.domain.TraceSampling;
import dev.orrery.testing.Ports;
import dev.orrery.testing.TraceCollector;
import dev.orrery.testing.TraceCollector.Mood;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TracingTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(1);
    private static final Duration FLUSH_LIMIT = Duration.ofSeconds(1);

    /** For what is to arrive, however busy the machine is. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Metrics metrics = new Metrics();
    private final TraceCollector collector = new TraceCollector();

    @AfterEach
    void close() {
        collector.close();
        metrics.close();
    }

    @Test
    void whatWaitsIsSentAtTheEnd() {
        var tracing = to(collector.endpoint(), PATIENCE, PATIENCE);
        var first = tracing.begin();

        for (var n = 0; n < 2_000; n++) {
            tracing.record(span(first.at(n + 1)));
        }
        tracing.close();

        assertThat(collector.of(first.traceIdText())).hasSize(2_000);
        assertThat(counted("sent")).isEqualTo(2_000);
    }

    @Test
    void whatIsNotSampledIsNotSent() {
        var tracing = to(collector.endpoint(), PATIENCE, PATIENCE);
        var place = tracing.begin();

        tracing.record(span(new TraceContext(place.traceId(), 1, 0)));
        tracing.record(span(place));
        tracing.close();

        assertThat(collector.all()).hasSize(1);
    }

    @Test
    void nobodyWaitsForACollectorThatNeverAnswersAndWhatIsLostIsCounted() {
        collector.is(Mood.NEVER_ANSWERS);
        var tracing = to(collector.endpoint());
        var place = tracing.begin();
        tracing.record(span(place));
        until("it was asked", () -> collector.asked() > 0);

        var began = System.nanoTime();
        for (var n = 0; n < SpanExport.QUEUE_SIZE + 5_000; n++) {
            tracing.record(span(place));
        }
        var took = Duration.ofNanos(System.nanoTime() - began);
        var closing = System.nanoTime();
        tracing.close();

        assertThat(took).isLessThan(Duration.ofMillis(500));
        assertThat(Duration.ofNanos(System.nanoTime() - closing))
                .isLessThan(TIMEOUT.plus(FLUSH_LIMIT).plusSeconds(2));
        assertThat(counted("sent")).isZero();
        assertThat(counted("dropped")).isGreaterThanOrEqualTo(4_000);
        assertThat(counted("dropped") + counted("refused")).isEqualTo(SpanExport.QUEUE_SIZE + 5_001);
    }

    @Test
    void aCollectorThatIsAwayCostsWhatIsSentMeanwhile() {
        var tracing = to("http://127.0.0.1:" + Ports.free());

        tracing.record(span(tracing.begin()));
        until("it is counted", () -> counted("refused") == 1);
        tracing.close();

        assertThat(counted("sent") + counted("dropped")).isZero();
    }

    @Test
    void aLongErrorIsCut() {
        assertThat(new Span(
                                Tracing.OFF.begin(),
                                0,
                                "long",
                                Span.Kind.INTERNAL,
                                1,
                                2,
                                Optional.of("x".repeat(5_000)),
                                Map.of(),
                                List.of())
                        .error()
                        .orElseThrow())
                .hasSize(1_025);
    }

    private Tracing to(String endpoint) {
        return to(endpoint, TIMEOUT, FLUSH_LIMIT);
    }

    private Tracing to(String endpoint, Duration timeout, Duration flushLimit) {
        return Tracing.to(
                new Tracing.Collector(
                        URI.create(endpoint), Map.of(), timeout, flushLimit, Map.of("service.name", "test")),
                TraceSampling.ALL,
                () -> 1_000,
                metrics);
    }

    private static Span span(TraceContext place) {
        return new Span(place, 0, "work", Span.Kind.INTERNAL, 1_000, 2_000, Optional.empty(), Map.of(), List.of());
    }

    private double counted(String outcome) {
        return metrics.counter(Metric.TRACE_SPANS, outcome).count();
    }
}
