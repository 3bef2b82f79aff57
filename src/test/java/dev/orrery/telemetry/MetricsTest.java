package dev.orrery.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MetricsTest {

    private final Metrics metrics = new Metrics();

    @AfterEach
    void close() {
        metrics.close();
    }

    @Test
    void everyKindIsShownToPrometheus() {
        metrics.counter(Metric.HTTP_REFUSED).increment();
        metrics.gauge(Metric.HTTP_IN_FLIGHT, () -> 7);
        metrics.timer(Metric.HTTP_REQUESTS, "getRun", "200").record(Duration.ofMillis(3));

        assertThat(metrics.scrape())
                .contains("orrery_http_requests_refused_total 1.0")
                .contains("orrery_http_requests_in_flight 7.0")
                .contains("orrery_http_requests_seconds_count{operation=\"getRun\",status=\"200\"} 1")
                .contains("orrery_http_requests_seconds_bucket{operation=\"getRun\",status=\"200\",le=\"0.005\"} 1")
                .contains("jvm_memory_used_bytes")
                .contains("process_files_open_files");
    }

    @Test
    void whatSomebodyElseCountsIsShownAsItIsNow() {
        var fenced = new AtomicLong(3);
        metrics.counter(Metric.NODES_FENCED, fenced::get);
        metrics.gauge(Metric.HEARTBEAT_AGE, () -> 0.25);

        fenced.incrementAndGet();
        System.gc();

        assertThat(metrics.scrape())
                .contains("orrery_nodes_fenced_total 4.0")
                .contains("orrery_heartbeat_age_seconds 0.25");
    }

    @Test
    void aMetricIsUsedAsItIsListed() {
        assertThatThrownBy(() -> metrics.counter(Metric.HTTP_IN_FLIGHT)).hasMessageContaining("is a GAUGE");
        assertThatThrownBy(() -> metrics.timer(Metric.HTTP_REQUESTS, "getRun"))
                .hasMessageContaining("[operation, status]");
    }

    @Test
    void namesAreThoseOfPrometheus() {
        for (var metric : Metric.values()) {
            assertThat(metric.id()).matches("orrery_[a-z_]+").doesNotEndWith("_total");
            if (metric.kind() == Metric.Kind.TIMER) {
                assertThat(metric.id()).doesNotEndWith("_seconds");
            }
            assertThat(metric.help()).isNotBlank();
            assertThat(metric.unit()).isNotBlank();
        }
    }
}
