package dev.orrery.node;

import static org.assertj.core.api.Assertions.assertThat;

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
}
