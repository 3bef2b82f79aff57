package dev.orrery.node;

import static java.util.Comparator.comparing;
import static java.util.Comparator.comparingLong;

import dev.orrery.store.MetricsRepository;
import dev.orrery.store.MetricsRepository.QueueNumbers;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Metrics.GaugeGroup;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Shows the queues: some by name, and all others as one, so that there are few time series however many queues there are. */
final class QueueMeters implements Consumer<List<List<QueueNumbers>>> {

    /** How many queues are named. */
    static final int NAMED = 20;

    /** In brackets, which no queue can have in its name. */
    static final String OTHER = "(other)";

    private final GaugeGroup ready;
    private final GaugeGroup oldest;
    private final GaugeGroup running;
    private final GaugeGroup maxRunning;
    private final GaugeGroup rate;
    private final GaugeGroup paused;

    QueueMeters(Metrics metrics) {
        this.ready = metrics.gauges(Metric.QUEUE_READY);
        this.oldest = metrics.gauges(Metric.QUEUE_OLDEST_READY);
        this.running = metrics.gauges(Metric.QUEUE_RUNNING);
        this.maxRunning = metrics.gauges(Metric.QUEUE_MAX_RUNNING);
        this.rate = metrics.gauges(Metric.QUEUE_RATE_LIMIT);
        this.paused = metrics.gauges(Metric.QUEUE_PAUSED);
    }

    /** Shows what was read, which is one list, or none where nothing is known. */
    @Override
    public void accept(List<List<QueueNumbers>> read) {
        var shown = new Shown();
        read.forEach(shown::add);
        ready.show(shown.ready);
        oldest.show(shown.oldest);
        running.show(shown.running);
        maxRunning.show(shown.maxRunning);
        rate.show(shown.rate);
        paused.show(shown.paused);
    }

    private static final class Shown {

        private final Map<List<String>, Long> ready = new LinkedHashMap<>();
        private final Map<List<String>, Double> oldest = new LinkedHashMap<>();
        private final Map<List<String>, Integer> running = new LinkedHashMap<>();
        private final Map<List<String>, Integer> maxRunning = new LinkedHashMap<>();
        private final Map<List<String>, Double> rate = new LinkedHashMap<>();
        private final Map<List<String>, Integer> paused = new LinkedHashMap<>();

        private void add(List<QueueNumbers> queues) {
            var byWeight = queues.stream()
                    .sorted(comparing((QueueNumbers queue) -> queue.name().equals(MetricsRepository.AGENTS))
                            .thenComparing(QueueNumbers::isSet)
                            .thenComparing(comparingLong(QueueNumbers::ready))
                            .reversed()
                            .thenComparing(QueueNumbers::name))
                    .toList();
            for (var place = 0; place < byWeight.size(); place++) {
                var queue = byWeight.get(place);
                add(queue, place <= NAMED ? queue.name() : OTHER);
            }
        }

        private void add(QueueNumbers queue, String name) {
            var label = List.of(name);
            ready.merge(label, queue.ready(), Long::sum);
            oldest.merge(label, DatabaseMeters.seconds(queue.oldest().orElse(Duration.ZERO)), Math::max);
            paused.merge(label, queue.paused() ? 1 : 0, Integer::sum);
            queue.running().ifPresent(count -> running.merge(label, count, Integer::sum));
            queue.maxRunning().ifPresent(count -> maxRunning.merge(label, count, Integer::sum));
            queue.rate()
                    .ifPresent(limit -> rate.merge(
                            label, limit.limit() * 1_000.0 / limit.per().toMillis(), Double::sum));
        }
    }
}
