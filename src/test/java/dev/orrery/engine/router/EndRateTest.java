package dev.orrery.engine.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class EndRateTest {

    private static final Duration LEAD = Duration.ofMillis(50);

    /** A clock may begin anywhere, below zero too. */
    private static final long START = -17;

    private final EndRate rate = new EndRate(START);

    @Test
    void nothingIsExpectedWhereNothingHasEnded() {
        assertThat(rate.expectedWithin(LEAD, START)).isZero();
        assertThat(rate.expectedWithin(Duration.ofDays(1), at(5_000))).isZero();
    }

    @Test
    void aSteadyRateIsExpectedToGoOn() {
        for (var millis = 0; millis <= 2_000; millis++) {
            rate.ended(4, at(millis));
        }

        // 4 in a millisecond are 200 in 50.
        assertThat(rate.expectedWithin(LEAD, at(2_000))).isBetween(195, 205);
        assertThat(rate.expectedWithin(LEAD.multipliedBy(10), at(2_000))).isBetween(1_950, 2_050);
    }

    @Test
    void aBurstIsForgottenWithinASecond() {
        rate.ended(1_000, at(0));

        assertThat(rate.expectedWithin(LEAD, at(0))).isEqualTo(500);
        assertThat(rate.expectedWithin(LEAD, at(100))).isBetween(180, 188);
        assertThat(rate.expectedWithin(LEAD, at(1_000))).isZero();
    }

    @Test
    void lookingDoesNotChangeTheRate() {
        rate.ended(1_000, at(0));
        for (var millis = 0; millis < 100; millis++) {
            rate.expectedWithin(LEAD, at(millis));
        }

        assertThat(rate.expectedWithin(LEAD, at(100))).isBetween(180, 188);
    }

    @Test
    void whatIsTooManyToCountIsTheGreatestNumber() {
        rate.ended(Integer.MAX_VALUE, at(0));

        assertThat(rate.expectedWithin(Duration.ofDays(1), at(0))).isEqualTo(Integer.MAX_VALUE);
    }

    private static long at(long millis) {
        return START + Duration.ofMillis(millis).toNanos();
    }
}
