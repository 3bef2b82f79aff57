package dev.orrery.telemetry;

import static dev.orrery.domain.Checks.require;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Where the node counts. What there is to count stands in {@link Metric}; the values of a metric's labels are given in the
 * order of its labels, and there must be few of them. May be used from any thread.
 */
public final class Metrics implements AutoCloseable {

    private static final Duration[] BUCKETS = {
        Duration.ofMillis(1),
        Duration.ofMillis(2),
        Duration.ofMillis(5),
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(30)
    };

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final List<LongSupplier> counted = new CopyOnWriteArrayList<>();
    private final JvmGcMetrics collections = new JvmGcMetrics();

    public Metrics() {
        new ClassLoaderMetrics().bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        collections.bindTo(registry);
    }

    /** The counter for these label values; keep it where it is used often. */
    public Counter counter(Metric metric, String... labelValues) {
        return Counter.builder(metric.id())
                .description(metric.help())
                .tags(tags(metric, Metric.Kind.COUNTER, labelValues))
                .register(registry);
    }

    /** Counts what somebody else counts: {@code value} only grows, is cheap, and may be asked from any thread. */
    public void counter(Metric metric, LongSupplier value, String... labelValues) {
        // The registry itself would let go of it.
        counted.add(value);
        FunctionCounter.builder(metric.id(), value, LongSupplier::getAsLong)
                .description(metric.help())
                .tags(tags(metric, Metric.Kind.COUNTER, labelValues))
                .register(registry);
    }

    /** The timer for these label values; keep it where it is used often. */
    public Timer timer(Metric metric, String... labelValues) {
        return Timer.builder(metric.id())
                .description(metric.help())
                .tags(tags(metric, Metric.Kind.TIMER, labelValues))
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
    }

    /** Shows what {@code value} answers whenever somebody looks; it must be cheap and may be asked from any thread. */
    public void gauge(Metric metric, Supplier<Number> value, String... labelValues) {
        Gauge.builder(metric.id(), value)
                .description(metric.help())
                .tags(tags(metric, Metric.Kind.GAUGE, labelValues))
                .strongReference(true)
                .register(registry);
    }

    /** Everything, in the text format of Prometheus 0.0.4. */
    public String scrape() {
        return registry.scrape();
    }

    @Override
    public void close() {
        collections.close();
        registry.close();
    }

    private static Tags tags(Metric metric, Metric.Kind kind, String... values) {
        require(metric.kind() == kind, metric.id() + " is a " + metric.kind());
        require(values.length == metric.labels().size(), metric.id() + " has the labels " + metric.labels());
        var tags = Tags.empty();
        for (var i = 0; i < values.length; i++) {
            tags = tags.and(metric.labels().get(i), values[i]);
        }
        return tags;
    }
}
