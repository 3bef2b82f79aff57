package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RetryAfterTest {

    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

    @Test
    void secondsAndDatesAreWaitedFor() {
        assertThat(RetryAfter.parse("120", NOW)).contains(Duration.ofMinutes(2));
        assertThat(RetryAfter.parse(" 0 ", NOW)).contains(Duration.ZERO);
        assertThat(RetryAfter.parse("Sat, 21 Nov 2026 12:00:30 GMT", NOW)).contains(Duration.ofSeconds(30));
    }

    @Test
    void whatIsOverIsNotWaitedForAndNothingLongerThanAnHour() {
        assertThat(RetryAfter.parse("Sat, 21 Nov 2026 11:00:00 GMT", NOW)).contains(Duration.ZERO);
        assertThat(RetryAfter.parse("3601", NOW)).contains(RetryAfter.MAX);
        assertThat(RetryAfter.parse("999999999999999999", NOW)).contains(RetryAfter.MAX);
        assertThat(RetryAfter.parse("Fri, 21 Nov 9999 12:00:00 GMT", NOW)).isEmpty();
        assertThat(RetryAfter.parse("Sun, 21 Nov 9999 12:00:00 GMT", NOW)).contains(RetryAfter.MAX);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "-1", "1.5", "12s", "2026-11-21T12:00:30Z", "9999999999999999999999"})
    void whatIsNeitherIsNothing(String header) {
        assertThat(RetryAfter.parse(header, NOW)).isEmpty();
    }
}
