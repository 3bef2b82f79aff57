package dev.orrery.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HumanTimeTest {

    @ParameterizedTest
    @CsvSource({
        "PT-1S, 0ms",
        "PT0S, 0ms",
        "PT0.42S, 420ms",
        "PT0.9999S, 999ms",
        "PT1S, 1.0s",
        "PT3.29S, 3.2s",
        "PT59.99S, 59.9s",
        "PT1M, 1m 00s",
        "PT5M12S, 5m 12s",
        "PT2H5M, 2h 05m",
        "PT23H59M59S, 23h 59m",
        "PT51H, 2d 3h"
    })
    void durationsAreSaidAsPeopleSayThem(Duration duration, String text) {
        assertThat(HumanTime.of(duration)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "PT-30S, now",
        "PT0.5S, now",
        "PT1S, 1s ago",
        "PT59S, 59s ago",
        "PT2M30S, 2m ago",
        "PT3H, 3h ago",
        "PT47H, 47h ago",
        "PT48H, 2d ago"
    })
    void timesAreSaidByHowLongAgoTheyWere(Duration passed, String text) {
        var now = Instant.parse("2026-01-31T02:00:00Z");

        assertThat(HumanTime.ago(now.minus(passed), now)).isEqualTo(text);
    }

    @Test
    void noDurationIsLongerThanEightCharacters() {
        for (var seconds = 0L; seconds < 400L * 86_400; seconds += 7_919) {
            assertThat(HumanTime.of(Duration.ofSeconds(seconds))).hasSizeLessThanOrEqualTo(8);
        }
    }
}
