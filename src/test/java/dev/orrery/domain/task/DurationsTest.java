package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.testing.Seeded;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationsTest {

    @ParameterizedTest
    @CsvSource({
        "10ms, PT0.01S",
        "30s, PT30S",
        "5m, PT5M",
        "1h30m, PT1H30M",
        "2d, PT48H",
        "1d2h3m4s5ms, PT26H3M4.005S",
        "5m10ms, PT5M0.01S",
        "90m, PT1H30M",
        "0s, PT0S",
        "007s, PT7S",
        "PT1H30M, PT1H30M",
        "P1D, PT24H",
        "P1DT2H3M4.5S, PT26H3M4.5S",
        "PT0.025S, PT0.025S",
        "PT0.2S, PT0.2S",
    })
    void bothFormsAreRead(String text, Duration duration) {
        assertThat(Durations.parse(text)).contains(duration);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "30",
                "s",
                "30 s",
                " 30s",
                "30s ",
                "1.5h",
                "-1s",
                "+1s",
                "1m1h",
                "1s1s",
                "1ms1s",
                "30S",
                "1w",
                "P",
                "PT",
                "P1DT",
                "PT1",
                "P1H",
                "PT-1S",
                "-PT1S",
                "pt1s",
                "PT1.S",
                "PT1.1234S",
                "P1W",
                "1h30",
                "٣s"
            })
    void nothingElseIsADuration(String text) {
        assertThat(Durations.parse(text)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "99999999999999999999ms",
                "9223372036854775807s",
                "9223372036854775807d",
                "106751991167d9223372036854775807h",
                "1d9223372036854775807ms",
                "P99999999999999999999999DT0S",
            })
    void whatIsTooLongToCountIsAsLongAsCanBeCounted(String text) {
        assertThat(Durations.parse(text)).contains(Duration.ofMillis(Long.MAX_VALUE));
    }

    @Test
    void whatIsWrittenIsReadBack() {
        Seeded.forAll(random -> {
            var duration = Duration.ofMillis(random.nextLong(1L << random.nextInt(1, 45)));

            assertThat(Durations.parse(Durations.text(duration))).contains(duration);
            assertThat(Durations.parse(duration.toString())).contains(duration);
        });
    }

    @Test
    void theTextIsTheShortestThereIs() {
        assertThat(Durations.text(Duration.ZERO)).isEqualTo("0s");
        assertThat(Durations.text(Duration.ofMinutes(90))).isEqualTo("1h30m");
        assertThat(Durations.text(Duration.ofDays(30).plusMillis(1))).isEqualTo("30d1ms");
    }
}
