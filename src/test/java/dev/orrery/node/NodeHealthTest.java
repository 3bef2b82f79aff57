package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.api.HealthCheck;
import dev.orrery.service.HealthStatus;
import io.vertx.core.Future;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class NodeHealthTest {

    @Test
    void aNodeWhoseHeartbeatsDoNotArriveIsNotReady() {
        assertThat(NodeHealth.heartbeat(() -> Duration.ofSeconds(3))
                        .check()
                        .get()
                        .succeeded())
                .isTrue();

        var late = NodeHealth.heartbeat(() -> Duration.ofMillis(7_200));

        assertThat(late.required()).isTrue();
        assertThat(late.check().get().cause()).hasMessageContaining("7 s ago");
    }

    @Test
    void aNodeWithoutEtcdIsReadyAndSaysWhatItMisses() {
        assertThat(NodeHealth.etcd(() -> Duration.ofSeconds(5)).check().get().succeeded())
                .isTrue();

        var away = NodeHealth.etcd(() -> Duration.ofSeconds(60));

        assertThat(away.required()).isFalse();
        assertThat(away.check().get().cause()).hasMessageContaining("for 60 s").hasMessageContaining("no schedule");
    }

    @Test
    void jobsThatWaitAreToldAndKeepNoNodeFromItsWork() {
        assertThat(scheduler(true, 30).check().get().succeeded()).isTrue();

        var behind = scheduler(true, 31);

        assertThat(behind.required()).isFalse();
        assertThat(behind.check().get().cause())
                .hasMessageContaining("since 31 s")
                .hasMessageContaining("leader");
        assertThat(scheduler(false, 40).check().get().cause()).hasMessageContaining("no node leads");
    }

    private static HealthCheck scheduler(boolean isLed, int lateSeconds) {
        return NodeHealth.scheduler(
                () -> Future.succeededFuture(new HealthStatus(isLed, Duration.ofSeconds(lateSeconds))));
    }
}
