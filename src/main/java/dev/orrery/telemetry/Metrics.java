package dev.orrery.telemetry;

import static dev.orrery.domain.Checks.require;

import com.sun.management.OperatingSystemMXBean;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Future;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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

    private static final Duration[] LONG_BUCKETS = {
        Duration.ofMillis(5),
        Duration.ofMillis(25),
        Duration.ofMillis(100),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Duration.ofMinutes(2),
        Duration.ofMinutes(10),
        Duration.ofHours(1),
        Duration.ofHours(6)
    };

    private static final double[] SIZES = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000};

    private static final double NANOS_IN_SECOND = 1e9;

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final List<LongSupplier> counted = new CopyOnWriteArrayList<>();
    private final List<Supplier<Future<Void>>> readings = new CopyOnWriteArrayList<>();
    private final JvmGcMetrics collections = new JvmGcMetrics();

    public Metrics() {
        // Of what the binders bring, these have names that Prometheus advises against.
        registry.config()
                .meterFilter(MeterFilter.denyNameStartsWith("process.cpu.time"))
                .meterFilter(renamed("system.cpu.count", "system.cpus"));
        processorTime();
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

    /** The timer for these label values, of the kind TIMER or SPAN; keep it where it is used often. */
    public Timer timer(Metric metric, String... labelValues) {
        var isLong = metric.kind() == Metric.Kind.SPAN;
        return Timer.builder(metric.id())
                .description(metric.help())
                .tags(tags(metric, isLong ? Metric.Kind.SPAN : Metric.Kind.TIMER, labelValues))
                .serviceLevelObjectives(isLong ? LONG_BUCKETS : BUCKETS)
                .register(registry);
    }

    /** The sizes that were seen, for these label values; keep it where it is used often. */
    public DistributionSummary sizes(Metric metric, String... labelValues) {
        return DistributionSummary.builder(metric.id())
                .description(metric.help())
                .tags(tags(metric, Metric.Kind.SIZES, labelValues))
                .serviceLevelObjectives(SIZES)
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

    /** A gauge whose values are told all at once, and whose label values come and go; at first there are none. */
    public GaugeGroup gauges(Metric metric) {
        var gauges = MultiGauge.builder(metric.id()).description(metric.help()).register(registry);
        return values -> gauges.register(
                values.entrySet().stream()
                        .map(value -> MultiGauge.Row.of(
                                tags(metric, Metric.Kind.GAUGE, value.getKey().toArray(String[]::new)),
                                value.getValue()))
                        .toList(),
                true);
    }

    /** Values of one gauge. */
    @FunctionalInterface
    public interface GaugeGroup {

        /** From now on these are shown, by their label values, and no others. */
        void show(Map<List<String>, ? extends Number> values);
    }

    /** Before each scrape from now on this is waited for; it must take care itself that it does not take long. */
    public void beforeScrape(Supplier<Future<Void>> reading) {
        readings.add(reading);
    }

    /** Completes when everything is as new as it can be; never fails. */
    public Future<Void> ready() {
        return Future.join(readings.stream()
                        .map(reading -> reading.get().otherwiseEmpty())
                        .toList())
                .mapEmpty();
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

    private void processorTime() {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system) {
            FunctionCounter.builder("process.cpu", system, bean -> bean.getProcessCpuTime() / NANOS_IN_SECOND)
                    .baseUnit("seconds")
                    .description("Processor time that the process has used")
                    .register(registry);
        }
    }

    private static MeterFilter renamed(String name, String better) {
        return new MeterFilter() {
            @Override
            public Meter.Id map(Meter.Id id) {
                return id.getName().equals(name) ? id.withName(better) : id;
            }
        };
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
