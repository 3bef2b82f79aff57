package dev.orrery.domain.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScheduleTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    @Test
    void anIntervalIsFirstDueOneIntervalAfterItsAnchor() {
        var hourly = new Interval(Duration.ofHours(1), NOON);

        assertThat(hourly.next(NOON.minus(Duration.ofDays(9)))).contains(NOON.plusSeconds(3_600));
        assertThat(hourly.next(NOON)).contains(NOON.plusSeconds(3_600));
        assertThat(hourly.next(NOON.plusSeconds(3_600))).contains(NOON.plusSeconds(7_200));
    }

    @Test
    void anIntervalIsDueWhereOneComesThatStepsFromItsAnchor() {
        Seeded.forAll(random -> {
            var every = Duration.ofMillis(random.nextLong(1_000, 100_000));
            var anchor = NOON.plusNanos(random.nextLong(10_000_000_000L) * 1_000);
            var interval = new Interval(every, anchor);
            var after = anchor.plusMillis(random.nextLong(-200_000, 3_000_000));

            var stepped = anchor.plus(every);
            while (!stepped.isAfter(after)) {
                stepped = stepped.plus(every);
            }

            assertThat(interval.next(after)).contains(stepped);
            assertThat(interval.next(stepped)).contains(stepped.plus(every));
            assertThat(interval.next(stepped.minusNanos(1))).contains(stepped);
        });
    }

    @Test
    void anAnchorFarAwayInThePastOrTheFutureCostsNothing() {
        var everySecond = Duration.ofSeconds(1);
        var soonOver = Instant.parse("9999-12-31T23:59:58Z");

        assertThat(new Interval(everySecond, Instant.EPOCH).next(soonOver)).contains(soonOver.plusSeconds(1));
        assertThat(new Interval(everySecond, Instant.EPOCH).next(soonOver.plusSeconds(1)))
                .isEmpty();
        assertThat(new Interval(everySecond, soonOver).next(Instant.EPOCH)).contains(soonOver.plusSeconds(1));
        assertThat(new Interval(Duration.ofSeconds(2), soonOver).next(Instant.EPOCH))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"PT0.999S", "PT-1S", "PT0S", "P366DT0.001S", "PT1.0005S"})
    void anIntervalThatIsTooShortOrTooLongOrTooFineIsRefused(String every) {
        assertThatThrownBy(() -> new Interval(Duration.parse(every), NOON))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("an interval must be ")
                .hasMessageEndingWith(", was " + Duration.parse(every));
    }

    @Test
    void theShortestAndTheLongestIntervalAreTaken() {
        assertThat(new Interval(Interval.SHORTEST, NOON).next(NOON)).contains(NOON.plusSeconds(1));
        assertThat(new Interval(Interval.LONGEST, NOON).next(NOON)).contains(NOON.plus(Duration.ofDays(366)));
    }

    @Test
    void onceIsDueBeforeItsTimeAndNeverAfter() {
        var once = new Once(NOON);

        assertThat(once.next(NOON.minusNanos(1))).contains(NOON);
        assertThat(once.next(NOON)).isEmpty();
        assertThat(once.next(NOON.plusNanos(1))).isEmpty();
    }

    @Test
    void timesAreKeptToTheMicrosecondSoThatTheDatabaseGivesThemBackUnchanged() {
        assertThat(new Once(NOON.plusNanos(1_999)).next(NOON)).contains(NOON.plusNanos(1_000));
        assertThat(new Interval(Duration.ofSeconds(1), NOON.plusNanos(1_999)).next(NOON))
                .contains(NOON.plusNanos(1_000_001_000));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1969-12-31T23:59:59Z", "+10000-01-01T00:00:00Z"})
    void timesOutOfAllReasonAreRefused(String time) {
        var instant = Instant.parse(time);

        assertThatThrownBy(() -> new Once(instant))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the time of a job must be in the years 1970 to 9999, was " + instant);
        assertThatThrownBy(() -> new Interval(Duration.ofHours(1), instant))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the start of an interval must be in the years");
    }
}
