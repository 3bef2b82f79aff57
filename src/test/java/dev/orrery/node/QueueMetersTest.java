package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.store.MetricsRepository;
import dev.orrery.store.MetricsRepository.QueueNumbers;
import dev.orrery.telemetry.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class QueueMetersTest {

    private final Metrics metrics = new Metrics();

    @AfterEach
    void close() {
        metrics.close();
    }

    @Test
    void manyQueuesAreFewSeriesAndNoTaskIsLost() {
        var queues = new ArrayList<QueueNumbers>();
        for (var n = 1; n <= 60; n++) {
            queues.add(queue("queue-" + n, n, false));
        }
        queues.add(queue("set", 0, true));
        queues.add(queue(MetricsRepository.AGENTS, 7, false));

        new QueueMeters(metrics).accept(List.of(queues));

        var shown = metrics.scrape()
                .lines()
                .filter(line -> line.startsWith("orrery_queue_ready_tasks{"))
                .toList();
        assertThat(shown)
                .hasSize(QueueMeters.NAMED + 2)
                .contains("orrery_queue_ready_tasks{queue=\"(agents)\"} 7.0")
                .contains("orrery_queue_ready_tasks{queue=\"set\"} 0.0")
                .contains("orrery_queue_ready_tasks{queue=\"queue-60\"} 60.0")
                .noneMatch(line -> line.contains("\"queue-1\""));
        assertThat(shown.stream()
                        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                        .sum())
                .isEqualTo(60 * 61 / 2 + 7);
    }

    @Test
    void whatIsNotKnownIsNotShown() {
        var meters = new QueueMeters(metrics);
        meters.accept(List.of(List.of(queue("default", 3, false))));
        assertThat(metrics.scrape()).contains("orrery_queue_ready_tasks{");

        meters.accept(List.of());

        assertThat(metrics.scrape()).doesNotContain("orrery_queue_");
    }

    private static QueueNumbers queue(String name, long ready, boolean isSet) {
        return new QueueNumbers(
                name,
                ready,
                Optional.of(Duration.ofSeconds(ready)),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                false,
                isSet);
    }
}
