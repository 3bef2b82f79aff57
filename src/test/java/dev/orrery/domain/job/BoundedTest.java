package dev.orrery.domain.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.cron.CronText;
import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BoundedTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final Schedule HOURLY = new Interval(Duration.ofHours(1), NOON);

    /** With midnights that come twice (St. John's) or never, and a date that was left out (Apia). */
    private static final List<String> ZONES =
            List.of("UTC", "Europe/Berlin", "America/St_Johns", "America/Havana", "America/Sao_Paulo", "Pacific/Apia");

    @Test
    void nothingIsDueBeforeTheStartAndAtTheStartItIs() {
        var bounded = bounded(HOURLY, Optional.of(NOON.plusSeconds(7_200)), Optional.empty());

        assertThat(bounded.next(NOON)).contains(NOON.plusSeconds(7_200));
        assertThat(bounded.next(NOON.plusSeconds(7_200))).contains(NOON.plusSeconds(10_800));
    }

    @Test
    void atTheEndItIsDueAndNothingIsAfterIt() {
        var bounded = bounded(HOURLY, Optional.empty(), Optional.of(NOON.plusSeconds(7_200)));

        assertThat(bounded.next(NOON.plusSeconds(3_600))).contains(NOON.plusSeconds(7_200));
        assertThat(bounded.next(NOON.plusSeconds(7_200))).isEmpty();
    }

    @Test
    void whatFallsOnAnExcludedDateOfTheZoneIsLeftOutAndNotMoved() {
        var daily = cron("30 9 * * *", "Asia/Tokyo");
        var excluded = Set.of(LocalDate.parse("2026-05-04"), LocalDate.parse("2026-05-05"));
        var bounded = new Bounded(daily, excluding(excluded), ZoneId.of("Asia/Tokyo"));

        assertThat(bounded.next(Instant.parse("2026-05-03T00:30:00Z"))).contains(Instant.parse("2026-05-06T00:30:00Z"));
    }

    @ParameterizedTest
    @CsvSource({
        // One minute into the first of November the clock is put back by an hour, and it is October again.
        "2009-11-01, 2009-11-01T02:29:00Z, 2009-11-01T02:31:00Z",
        "2009-11-01, 2009-11-01T03:29:00Z, 2009-11-02T03:30:00Z",
        "2009-10-31, 2009-10-31T02:29:00Z, 2009-11-01T02:30:00Z",
        "2009-10-31, 2009-11-01T02:30:00Z, 2009-11-01T03:30:00Z",
    })
    void anExcludedDateThatComesTwiceIsLeftOutTwiceAndNothingElseIs(LocalDate date, Instant after, Instant next) {
        var zone = ZoneId.of("America/St_Johns");

        assertThat(new Bounded(cron("* * * * *", zone.getId()), excluding(Set.of(date)), zone).next(after))
                .contains(next);
    }

    @Test
    void aSingleTimeOnAnExcludedDateIsNever() {
        var excluded = Set.of(LocalDate.parse("2026-03-01"));

        assertThat(new Bounded(new Once(NOON), excluding(excluded), ZoneOffset.UTC).next(NOON.minusSeconds(9)))
                .isEmpty();
    }

    @Test
    @Timeout(5)
    void fiveYearsThatAreExcludedAreLeaptOver() {
        var years = IntStream.range(0, Bounds.EXCLUDED_LIMIT)
                .mapToObj(LocalDate.parse("2026-03-02")::plusDays)
                .collect(Collectors.toSet());
        var everySecond = new Interval(Duration.ofSeconds(1), NOON);
        var bounded = new Bounded(everySecond, excluding(years), ZoneOffset.UTC);
        var midnight = Instant.parse("2026-03-02T00:00:00Z");

        assertThat(bounded.next(midnight.minusSeconds(1)))
                .contains(midnight.plus(Duration.ofDays(Bounds.EXCLUDED_LIMIT)));
    }

    @Test
    @Timeout(5)
    void everyOtherDayThatIsExcludedIsLeaptOverToo() {
        var days = IntStream.range(0, Bounds.EXCLUDED_LIMIT)
                .mapToObj(n -> LocalDate.parse("2026-03-02").plusDays(2L * n))
                .collect(Collectors.toSet());
        var everyOther = new Interval(Duration.ofDays(2), NOON.minus(Duration.ofDays(1)));

        var next = new Bounded(everyOther, excluding(days), ZoneOffset.UTC).next(NOON);
        var nextByTheSecond = new Bounded(new Interval(Duration.ofSeconds(1), NOON), excluding(days), ZoneOffset.UTC)
                .next(Instant.parse("2026-03-01T23:59:59Z"));

        assertThat(next)
                .contains(NOON.plus(Duration.ofDays(2L * Bounds.EXCLUDED_LIMIT)).plus(Duration.ofDays(1)));
        assertThat(nextByTheSecond).contains(Instant.parse("2026-03-03T00:00:00Z"));
    }

    @Test
    void whateverTheBoundsItIsDueWhereOneComesThatSteps() {
        Seeded.forAll(random -> {
            var zone = ZoneId.of(ZONES.get(random.nextInt(ZONES.size())));
            var from = around(zone, random);
            var to = from.plus(Duration.ofDays(6));
            var schedule = anySchedule(zone, from, random);
            var bounds = anyBounds(zone, from, random);
            var bounded = new Bounded(schedule, bounds, zone);

            var stepped = fires(schedule, from, to).stream()
                    .filter(due -> bounds.start().filter(due::isBefore).isEmpty())
                    .filter(due -> bounds.end().filter(due::isAfter).isEmpty())
                    .filter(due -> !bounds.excluded().contains(due.atZone(zone).toLocalDate()))
                    .toList();

            assertThat(fires(bounded, from, to)).isEqualTo(stepped);
        });
    }

    @Test
    void nonsenseIsRefused() {
        assertThatThrownBy(() -> bounded(HOURLY, Optional.of(NOON), Optional.of(NOON.minusSeconds(1))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the end of a job must not be before its start");
        assertThatThrownBy(() -> new Bounds(Optional.empty(), Optional.empty(), Set.of(), OptionalLong.of(0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("the greatest number of executions must be at least 1");
        var tooMany = IntStream.rangeClosed(0, Bounds.EXCLUDED_LIMIT)
                .mapToObj(LocalDate.EPOCH::plusDays)
                .collect(Collectors.toSet());
        assertThatThrownBy(() -> excluding(tooMany))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("at most 1830 dates can be excluded, were 1831");
        var bounded = bounded(HOURLY, Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> new Bounded(bounded, Bounds.NONE, ZoneOffset.UTC))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a schedule has bounds but once");
    }

    @Test
    void aStartThatIsAlsoTheEndIsOneDueTime() {
        var bounded = bounded(HOURLY, Optional.of(NOON.plusSeconds(3_600)), Optional.of(NOON.plusSeconds(3_600)));

        assertThat(fires(bounded, NOON, NOON.plus(Duration.ofDays(1)))).containsExactly(NOON.plusSeconds(3_600));
    }

    @Test
    void boundsAreKeptToTheMicrosecond() {
        var bounds = new Bounds(
                Optional.of(NOON.plusNanos(1_999)), Optional.of(NOON.plusNanos(2_999)), Set.of(), OptionalLong.empty());

        assertThat(bounds.start()).contains(NOON.plusNanos(1_000));
        assertThat(bounds.end()).contains(NOON.plusNanos(2_000));
    }

    @Test
    void executionsAreCountedDownToNoneAndNotBelow() {
        var ten = new Bounds(Optional.empty(), Optional.empty(), Set.of(), OptionalLong.of(10));

        assertThat(ten.remaining(3)).hasValue(7);
        assertThat(ten.remaining(10)).hasValue(0);
        assertThat(ten.remaining(11)).hasValue(0);
        assertThat(Bounds.NONE.remaining(11)).isEmpty();
    }

    /** Just before a change of the clock, now and then. */
    private static Instant around(ZoneId zone, RandomGenerator random) {
        var time = Instant.parse("1990-01-01T00:00:00Z").plusSeconds(random.nextLong(1_500_000_000L));
        var change = zone.getRules().nextTransition(time);
        return change == null || random.nextInt(4) == 0
                ? time
                : change.getInstant().minus(Duration.ofHours(random.nextInt(1, 48)));
    }

    private static Schedule anySchedule(ZoneId zone, Instant from, RandomGenerator random) {
        return switch (random.nextInt(3)) {
            case 0 -> new Interval(Duration.ofSeconds(random.nextInt(60, 20_000)), from);
            case 1 -> cron("*/" + random.nextInt(1, 20) + " * * * *", zone.getId());
            default -> cron(random.nextInt(60) + " 0,1,2,23 * * *", zone.getId());
        };
    }

    private static Bounds anyBounds(ZoneId zone, Instant from, RandomGenerator random) {
        var start = Optional.of(from.plus(Duration.ofMinutes(random.nextInt(2_000))));
        var end = Optional.of(from.plus(Duration.ofMinutes(random.nextInt(5_000, 10_000))));
        var excluded = new HashSet<LocalDate>();
        for (var day = 0; day < 7; day++) {
            if (random.nextBoolean()) {
                excluded.add(from.atZone(zone).toLocalDate().plusDays(day));
            }
        }
        return new Bounds(
                start.filter(_ -> random.nextBoolean()),
                end.filter(_ -> random.nextBoolean()),
                excluded,
                OptionalLong.empty());
    }

    private static List<Instant> fires(Schedule schedule, Instant from, Instant to) {
        var found = new ArrayList<Instant>();
        for (var next = schedule.next(from); next.isPresent() && !next.get().isAfter(to); ) {
            found.add(next.get());
            next = schedule.next(next.get());
        }
        return found;
    }

    private static Schedule cron(String text, String zone) {
        return switch (CronText.read(text, "")) {
            case CronText.Reading.Read(var expressions) -> new CronSchedule(expressions, ZoneId.of(zone));
            case CronText.Reading.Refused(var complaint) -> throw new AssertionError(text + ": " + complaint);
        };
    }

    private static Bounds excluding(Set<LocalDate> dates) {
        return new Bounds(Optional.empty(), Optional.empty(), dates, OptionalLong.empty());
    }

    private static Bounded bounded(Schedule schedule, Optional<Instant> start, Optional<Instant> end) {
        return new Bounded(schedule, new Bounds(start, end, Set.of(), OptionalLong.empty()), ZoneOffset.UTC);
    }
}
