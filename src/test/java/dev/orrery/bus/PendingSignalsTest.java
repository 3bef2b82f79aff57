package dev.orrery.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.bus.BusMessage.RetryDue;
import dev.orrery.bus.BusMessage.WorkReady;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PendingSignalsTest {

    private final PendingSignals pending = new PendingSignals();

    @Test
    void whatIsToldOftenIsToldOnce() {
        for (var n = 0; n < 1_000; n++) {
            pending.add(new HistoryGrew());
            pending.add(new JobsChanged());
            pending.add(new CancelsAsked());
            pending.add(new WorkReady(Set.of("a")));
            pending.add(new WorkReady(Set.of("b")));
            pending.add(new RetryDue(1_000 - n));
        }

        assertThat(pending.take())
                .containsExactlyInAnyOrder(
                        new HistoryGrew(),
                        new JobsChanged(),
                        new CancelsAsked(),
                        new WorkReady(Set.of("a", "b")),
                        new RetryDue(1));
        assertThat(pending.take()).isEmpty();
    }

    @Test
    void anyQueueStaysAnyQueue() {
        pending.add(new WorkReady(Set.of()));
        pending.add(new WorkReady(Set.of("a")));

        assertThat(pending.take()).containsExactly(new WorkReady(Set.of()));
    }

    @Test
    void moreNamesThanFitMeanAnyQueue() {
        for (var n = 0; n <= 1_000; n++) {
            pending.add(new WorkReady(Set.of("queue" + n)));
        }

        assertThat(pending.take()).containsExactly(new WorkReady(Set.of()));
    }

    @Test
    void anAnswerIsNoSignal() {
        assertThatThrownBy(() -> pending.add(new Released(1))).isInstanceOf(IllegalArgumentException.class);
    }
}
