package dev.orrery.node;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.store.MetricsRepository;
import dev.orrery.store.MetricsRepository.OldestSnapshot;
import dev.orrery.store.MetricsRepository.TaskNumbers;
import dev.orrery.store.Pools;
import dev.orrery.store.SchedulerMetricsRepository;
import dev.orrery.store.SchedulerMetricsRepository.Lateness;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Metrics.GaugeGroup;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Shows what the database knows of the work, read anew at a scrape where the last time is some seconds ago. A scrape waits
 * for it for a moment only; what a reading that failed would tell is left out until one succeeds.
 */
final class DatabaseMeters {

    private static final System.Logger LOG = System.getLogger(DatabaseMeters.class.getName());
    private static final Duration STATEMENT_LIMIT = Duration.ofSeconds(2);

    /** All of them share one connection: the first that is slow makes the others wait. */
    private static final Duration READING_LIMIT = Duration.ofSeconds(4);

    private static final Duration PAUSE = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final List<Reading<?>> readings;

    // Guarded by the monitor.
    private Future<Void> current = Future.succeededFuture();
    private long begunNanos;
    private boolean hasBegun;

    private DatabaseMeters(List<Reading<?>> readings) {
        this.readings = readings;
    }

    /** From now on scrapes tell of this database, by a connection of their own; the caller closes it. */
    static Pool show(Metrics metrics, Vertx vertx, PgConnectOptions connect) {
        var pool = Pools.watching(vertx, connect, STATEMENT_LIMIT);
        var repository = new MetricsRepository(vertx, pool);
        var jobs = new SchedulerMetricsRepository(vertx, pool);
        var meters = new DatabaseMeters(List.of(
                new Reading<>(metrics, "snapshots", repository::oldestSnapshot, snapshots(metrics)),
                new Reading<>(metrics, "schedule", jobs::lateness, schedule(metrics)),
                new Reading<>(metrics, "tasks", repository::taskNumbers, tasks(metrics)),
                new Reading<>(metrics, "queues", repository::queueNumbers, new QueueMeters(metrics))));
        metrics.beforeScrape(meters::refresh);
        return pool;
    }

    /** Something that is read, and what shows it; that nothing is known is told by an empty list. */
    private static final class Reading<T> {

        private final String name;
        private final Supplier<Future<T>> read;
        private final Consumer<List<T>> show;
        private final Timer timer;
        private final Counter failed;
        private volatile boolean isUp;

        private Reading(Metrics metrics, String name, Supplier<Future<T>> read, Consumer<List<T>> show) {
            this.name = name;
            this.read = read;
            this.show = show;
            this.timer = metrics.timer(Metric.READINGS, name);
            this.failed = metrics.counter(Metric.READINGS_FAILED, name);
            metrics.gauge(Metric.READING_UP, () -> isUp ? 1 : 0, name);
        }

        private Future<Void> run() {
            var begun = System.nanoTime();
            return read.get()
                    .timeout(READING_LIMIT.toMillis(), TimeUnit.MILLISECONDS)
                    .onComplete(_ -> timer.record(System.nanoTime() - begun, TimeUnit.NANOSECONDS))
                    .<Void>map(value -> {
                        show.accept(List.of(value));
                        isUp = true;
                        return null;
                    })
                    .otherwise(error -> {
                        LOG.log(DEBUG, "metrics of the database cannot be read: reading=" + name, error);
                        fail();
                        return null;
                    });
        }

        private void fail() {
            isUp = false;
            failed.increment();
            show.accept(List.of());
        }
    }

    /** Completes when the values are new enough, or with those there are when that takes too long. */
    private Future<Void> refresh() {
        return reading().timeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS).otherwiseEmpty();
    }

    private synchronized Future<Void> reading() {
        var now = System.nanoTime();
        if (current.isComplete() && (!hasBegun || now - begunNanos >= PAUSE.toNanos())) {
            hasBegun = true;
            begunNanos = now;
            current = Future.join(readings.stream().map(Reading::run).toList()).mapEmpty();
        }
        return current;
    }

    private static Consumer<List<OldestSnapshot>> snapshots(Metrics metrics) {
        var age = metrics.gauges(Metric.DATABASE_SNAPSHOT_AGE);
        var transactions = metrics.gauges(Metric.DATABASE_SNAPSHOT_TRANSACTIONS);
        var hidden = metrics.gauges(Metric.DATABASE_SNAPSHOTS_HIDDEN);
        return told -> {
            one(age, told, snapshot -> seconds(snapshot.age()));
            one(transactions, told, OldestSnapshot::transactions);
            one(hidden, told, OldestSnapshot::hidden);
        };
    }

    private static Consumer<List<Lateness>> schedule(Metrics metrics) {
        var lag = metrics.gauges(Metric.SCHEDULE_LAG);
        var led = metrics.gauges(Metric.SCHEDULE_LED);
        return told -> {
            one(lag, told, lateness -> seconds(lateness.late()));
            one(led, told, lateness -> lateness.isLed() ? 1 : 0);
        };
    }

    private static Consumer<List<TaskNumbers>> tasks(Metrics metrics) {
        var tasks = metrics.gauges(Metric.TASKS);
        var deadLetters = metrics.gauges(Metric.DEAD_LETTERS);
        var auditEntries = metrics.gauges(Metric.AUDIT_LAST_ENTRY);
        return told -> {
            Map<List<String>, Number> byState = new LinkedHashMap<>();
            told.forEach(numbers -> numbers.tasks().forEach((state, count) -> byState.put(List.of(state), count)));
            tasks.show(byState);
            one(deadLetters, told, TaskNumbers::deadLetters);
            one(auditEntries, told, TaskNumbers::lastAuditEntry);
        };
    }

    private static <T> void one(GaugeGroup gauge, List<T> told, Function<T, Number> value) {
        Map<List<String>, Number> shown = new LinkedHashMap<>();
        told.forEach(numbers -> shown.put(List.of(), value.apply(numbers)));
        gauge.show(shown);
    }

    static double seconds(Duration duration) {
        return duration.toMillis() / 1_000.0;
    }
}
