package dev.orrery.coordination;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Await;
import org.junit.jupiter.api.Test;

class DatabaseClockTest {

    private static final long SOME_TIME = 1_700_000_000_000L;
    private static final long TOLERANCE = 5_000;

    @Test
    void itGoesOnFromWhatTheDatabaseSaid() {
        var clock = new DatabaseClock(SOME_TIME);

        assertThat(clock.millis()).isBetween(SOME_TIME, SOME_TIME + TOLERANCE);
        Await.until("time goes on", () -> clock.millis() >= SOME_TIME + 20);
    }

    @Test
    void itFollowsTheDatabaseForthAndBack() {
        var clock = new DatabaseClock(SOME_TIME);

        clock.set(SOME_TIME + 86_400_000);
        assertThat(clock.millis()).isBetween(SOME_TIME + 86_400_000, SOME_TIME + 86_400_000 + TOLERANCE);

        clock.set(SOME_TIME - 86_400_000);
        assertThat(clock.millis()).isBetween(SOME_TIME - 86_400_000, SOME_TIME - 86_400_000 + TOLERANCE);
    }
}
