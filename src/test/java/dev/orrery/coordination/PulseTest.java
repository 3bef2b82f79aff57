package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PulseTest {

    private final Pulse pulse = new Pulse();

    /** A start may take longer than a beat may: the node must look alive all the while. */
    @Test
    void whatHasNotBegunIsNotSilent() {
        assertThat(pulse.silence()).isZero();
    }

    @Test
    void itIsSilentSinceItsLastBeat() {
        pulse.beat();

        until("it counts", () -> pulse.silence().toMillis() >= 20);
        pulse.beat();
        assertThat(pulse.silence()).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    void itsEndIsNoSilence() {
        pulse.beat();
        until("it counts", () -> pulse.silence().isPositive());

        pulse.end();

        assertThat(pulse.silence()).isZero();
    }
}
