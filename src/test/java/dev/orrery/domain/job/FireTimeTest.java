package dev.orrery.domain.job;

import static dev.orrery.domain.job.FireTime.preview;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.cron.CronText;
import dev.orrery.domain.WireNamed;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FireTimeTest {

    private static final ZoneId BERLIN = ZoneId.of("Europe/Berlin");
    private static final Instant BEFORE_SPRING = Instant.parse("2026-03-28T12:00:00Z");
    private static final Instant BEFORE_AUTUMN = Instant.parse("2026-10-24T12:00:00Z");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // The hour from two to three is left out.
                "30 2 * * *    | Europe/Berlin   | 2026-03-28T12:00:00Z | 2026-03-29T03:00+02:00 skipped 2026-03-29T02:30 | 2026-03-30T02:30+02:00",
                "45,15 2 * * * | Europe/Berlin   | 2026-03-28T12:00:00Z | 2026-03-29T03:00+02:00 skipped 2026-03-29T02:15 | 2026-03-30T02:15+02:00",
                "0 3 * * *     | Europe/Berlin   | 2026-03-28T12:00:00Z | 2026-03-29T03:00+02:00 | 2026-03-30T03:00+02:00",
                "0 2,3 * * *   | Europe/Berlin   | 2026-03-28T12:00:00Z | 2026-03-29T03:00+02:00 skipped 2026-03-29T02:00 | 2026-03-30T02:00+02:00",
                "30 */1 * * *  | Europe/Berlin   | 2026-03-29T00:00:00Z | 2026-03-29T01:30+01:00 | 2026-03-29T03:30+02:00",
                "0 */1 * * *   | Europe/Berlin   | 2026-03-29T00:00:00Z | 2026-03-29T03:00+02:00 | 2026-03-29T04:00+02:00",
                // Midnight is left out.
                "0 0 * * *     | America/Havana  | 2026-03-07T12:00:00Z | 2026-03-08T01:00-04:00 skipped 2026-03-08T00:00 | 2026-03-09T00:00-04:00",
                // The hour from two to three is shown twice.
                "30 2 * * *    | Europe/Berlin   | 2026-10-24T12:00:00Z | 2026-10-25T02:30+02:00 repeated | 2026-10-26T02:30+01:00",
                "30 * * * *    | Europe/Berlin   | 2026-10-25T00:00:00Z | 2026-10-25T02:30+02:00 | 2026-10-25T02:30+01:00",
                "30 */2 * * *  | Europe/Berlin   | 2026-10-25T00:00:00Z | 2026-10-25T02:30+02:00 | 2026-10-25T02:30+01:00",
                "30 2 * * *; 40 */2 * * * | Europe/Berlin | 2026-10-25T00:00:00Z | 2026-10-25T02:30+02:00 repeated | 2026-10-25T02:40+02:00",
                "0 3 * * *     | Europe/Berlin   | 2026-10-24T12:00:00Z | 2026-10-25T03:00+01:00 | 2026-10-26T03:00+01:00",
                // Nothing changes.
                "0 9 * * *     | Asia/Kathmandu  | 2026-10-24T12:00:00Z | 2026-10-25T09:00+05:45 | 2026-10-26T09:00+05:45",
            })
    void dueTimesAreToldByTheClockOnTheWallWithWhatItsChangesDidToThem(
            String text, String zone, String after, String first, String second) {
        var times = preview(cron(text, ZoneId.of(zone)), ZoneId.of(zone), Instant.parse(after), 2);

        assertThat(times).extracting(FireTimeTest::told).containsExactly(first, second);
        assertThat(times)
                .allSatisfy(time -> assertThat(time.at()).isEqualTo(time.local().toInstant(time.offset())));
    }

    @Test
    void boundsHoldInThePreviewToo() {
        var bounds = new Bounds(
                Optional.empty(),
                Optional.of(Instant.parse("2026-03-30T23:00:00Z")),
                Set.of(LocalDate.parse("2026-03-30")),
                OptionalLong.empty());
        var bounded = new Bounded(cron("30 2 * * *", BERLIN), bounds, BERLIN);

        var unexcluded = preview(bounded, BERLIN, BEFORE_SPRING, 100);

        assertThat(unexcluded)
                .extracting(FireTimeTest::told)
                .containsExactly("2026-03-29T03:00+02:00 skipped 2026-03-29T02:30");
        assertThat(preview(new Bounded(cron("30 2 * * *", BERLIN), Bounds.NONE, BERLIN), BERLIN, BEFORE_AUTUMN, 1))
                .extracting(FireTimeTest::told)
                .containsExactly("2026-10-25T02:30+02:00 repeated");
    }

    @Test
    void noChangeOfTheClockTouchesIntervalsAndSingleTimes() {
        var change = Instant.parse("2026-03-29T01:00:00Z");
        var hourly = new Interval(Duration.ofHours(1), change.minusSeconds(7_200));

        assertThat(preview(hourly, BERLIN, change.minusSeconds(7_200), 3))
                .extracting(FireTimeTest::told)
                .containsExactly("2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00");
        assertThat(preview(new Once(change), BERLIN, BEFORE_SPRING, 3))
                .extracting(FireTimeTest::told)
                .containsExactly("2026-03-29T03:00+02:00");
        assertThat(preview(new Once(change), BERLIN, change, 3)).isEmpty();
    }

    @Test
    void asManyTimesAreToldAsAreAskedFor() {
        assertThat(preview(cron("* * * * *", BERLIN), BERLIN, BEFORE_SPRING, FireTime.PREVIEW_LIMIT))
                .hasSize(100)
                .isSortedAccordingTo(java.util.Comparator.comparing(FireTime::at));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 101})
    void noneAndTooManyAreRefused(int count) {
        assertThatThrownBy(() -> preview(new Once(BEFORE_SPRING), BERLIN, Instant.EPOCH, count))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the number of times must be 1 to 100, was " + count);
    }

    private static String told(FireTime time) {
        return time.local().atOffset(time.offset())
                + time.clockChange().map(WireNamed::wireName).map(" "::concat).orElse("")
                + time.meant().map(meant -> " " + meant).orElse("");
    }

    private static Schedule cron(String text, ZoneId zone) {
        return switch (CronText.read(text, "")) {
            case CronText.Reading.Read(var expressions) -> new CronSchedule(expressions, zone);
            case CronText.Reading.Refused(var complaint) -> throw new AssertionError(text + ": " + complaint);
        };
    }
}
