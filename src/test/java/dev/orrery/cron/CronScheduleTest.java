package dev.orrery.cron;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.job.CronSchedule;
import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CronScheduleTest {

    /** Of every habit there is: half hours, midnight gaps, whole days left out, rules that changed, no rules at all. */
    private static final List<String> ZONES = List.of(
            "UTC",
            "Europe/Berlin",
            "Europe/London",
            "Europe/Dublin",
            "Europe/Lisbon",
            "Europe/Moscow",
            "Europe/Istanbul",
            "Europe/Chisinau",
            "Europe/Volgograd",
            "America/New_York",
            "America/Chicago",
            "America/Denver",
            "America/Los_Angeles",
            "America/Anchorage",
            "America/St_Johns",
            "America/Halifax",
            "America/Sao_Paulo",
            "America/Havana",
            "America/Santiago",
            "America/Asuncion",
            "America/Caracas",
            "America/Mexico_City",
            "America/Godthab",
            "America/Scoresbysund",
            "Asia/Tehran",
            "Asia/Beirut",
            "Asia/Gaza",
            "Asia/Amman",
            "Asia/Kathmandu",
            "Asia/Pyongyang",
            "Asia/Tokyo",
            "Asia/Ulaanbaatar",
            "Africa/Cairo",
            "Africa/Casablanca",
            "Africa/Windhoek",
            "Australia/Sydney",
            "Australia/Lord_Howe",
            "Australia/Adelaide",
            "Pacific/Auckland",
            "Pacific/Chatham",
            "Pacific/Apia",
            "Pacific/Kwajalein",
            "Antarctica/Troll");

    private static final Instant FIRST = Instant.parse("1990-01-01T00:00:00Z");
    private static final Instant LAST = Instant.parse("2040-01-01T00:00:00Z");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "30 2 * * *",
                "15,45 0-3,22-23 * * *",
                "*/20 */2 * * *",
                "0 * * * *",
                "59 23 L * *",
                "10 0 * * 0,1"
            })
    void aroundEveryChangeOfTheClockItFiresAsTheOracleSays(String schedule) {
        for (var name : ZONES) {
            var zone = ZoneId.of(name);
            var rules = zone.getRules();
            for (var change = rules.nextTransition(FIRST);
                    change != null && change.getInstant().isBefore(LAST);
                    change = rules.nextTransition(change.getInstant())) {
                var from = change.getInstant().minus(Duration.ofDays(2));
                agree(schedule, zone, from, change.getInstant().plus(Duration.ofDays(2)));
            }
        }
    }

    @Test
    void whateverTheScheduleItFiresAsTheOracleSays() {
        Seeded.forAll(1_000, random -> {
            var zone = ZoneId.of(ZONES.get(random.nextInt(ZONES.size())));
            var from = Instant.ofEpochSecond(random.nextLong(FIRST.getEpochSecond(), LAST.getEpochSecond()));
            agree(anySchedule(random), zone, from, from.plus(Duration.ofDays(30)));
        });
    }

    @Test
    void overTheEndOfFebruaryOfEveryKindOfYearItFiresAsTheOracleSays() {
        for (var year : List.of(1999, 2000, 2004, 2023, 2024, 2096, 2100, 2104)) {
            for (var schedule : List.of("5 0 29 2 *", "5 0 L 2 *", "5 0 28-31 * *", "5 0 LW * *", "5 0 29W 2 *")) {
                var from = Instant.parse(year + "-02-10T00:00:00Z");
                agree(schedule, ZoneId.of("America/St_Johns"), from, from.plus(Duration.ofDays(30)));
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // The hour from two to three is left out: as soon as the clock shows three.
                "30 2 * * *       | Europe/Berlin       | 2026-03-28T12:00 | 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z",
                // It is shown twice: the first time only.
                "30 2 * * *       | Europe/Berlin       | 2026-10-24T12:00 | 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z",
                "30 1 * * *       | America/New_York    | 2026-10-31T12:00 | 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z",
                // By the time that passes: both of the hours that look alike, and none that is left out.
                "30 * * * *       | Europe/Berlin       | 2026-10-25T00:00 | 2026-10-25T00:30:00Z 2026-10-25T01:30:00Z",
                "30 */2 * * *     | Europe/Berlin       | 2026-03-29T00:00 | 2026-03-29T02:30:00Z 2026-03-29T04:30:00Z",
                // Two times that are left out are one firing.
                "15,45 2 * * *    | Europe/Berlin       | 2026-03-28T12:00 | 2026-03-29T01:00:00Z 2026-03-30T00:15:00Z",
                // Midnight is left out.
                "0 0 * * *        | America/Havana      | 2026-03-07T12:00 | 2026-03-08T05:00:00Z 2026-03-09T04:00:00Z",
                "0 0 * * *        | Asia/Beirut         | 2026-03-28T12:00 | 2026-03-28T22:00:00Z 2026-03-29T21:00:00Z",
                // Half an hour is left out, and shown twice.
                "15 2 * * *       | Australia/Lord_Howe | 2026-10-03T06:00 | 2026-10-03T15:30:00Z 2026-10-04T15:15:00Z",
                "45 1 * * *       | Australia/Lord_Howe | 2026-04-04T06:00 | 2026-04-04T14:45:00Z 2026-04-05T15:15:00Z",
                // A whole day is left out.
                "0 12 30 12 *     | Pacific/Apia        | 2011-12-29T00:00 | 2011-12-30T10:00:00Z 2012-12-29T22:00:00Z",
                // Either day matches where both are given.
                "0 0 13 * 5       | UTC                 | 2026-02-01T00:00 | 2026-02-06T00:00:00Z 2026-02-13T00:00:00Z",
                "0 0 13 * */7     | UTC                 | 2026-01-01T00:00 | 2026-09-13T00:00:00Z 2026-12-13T00:00:00Z",
                "0 0 29 2 *       | UTC                 | 2096-03-01T00:00 | 2104-02-29T00:00:00Z 2108-02-29T00:00:00Z",
                "0 0 * * 7        | UTC                 | 2026-01-01T00:00 | 2026-01-04T00:00:00Z 2026-01-11T00:00:00Z",
                "0 0 * * SAT-SUN  | UTC                 | 2026-01-01T00:00 | 2026-01-03T00:00:00Z 2026-01-04T00:00:00Z",
                "0 0 31W * *      | UTC                 | 2026-02-01T00:00 | 2026-03-31T00:00:00Z 2026-05-29T00:00:00Z",
                "0 0 1W * *       | UTC                 | 2026-07-15T00:00 | 2026-08-03T00:00:00Z 2026-09-01T00:00:00Z",
                "0 0 * * 5#5      | UTC                 | 2026-01-01T00:00 | 2026-01-30T00:00:00Z 2026-05-29T00:00:00Z",
                "7,30 0 0 1 1 *   | UTC                 | 2026-01-01T00:00 | 2026-01-01T00:00:07Z 2026-01-01T00:00:30Z",
                "0 9 * * 1; 0 9 * * 1-2 | UTC           | 2026-01-01T00:00 | 2026-01-05T09:00:00Z 2026-01-06T09:00:00Z",
                "@weekly          | UTC                 | 2026-01-01T00:00 | 2026-01-04T00:00:00Z 2026-01-11T00:00:00Z",
            })
    void theKnownTrapsAreStayedOutOf(String schedule, String zone, String from, String expected) {
        var start = LocalDateTime.parse(from).toInstant(ZoneOffset.UTC);

        var fires = fires(schedule, ZoneId.of(zone), start, 2);

        assertThat(fires).extracting(Instant::toString).containsExactly(expected.split(" "));
    }

    @Test
    void whatIsSpreadHasOnePlaceForEachJobAndManyForMany() {
        var places = new ArrayList<Integer>();
        for (var job = 0; job < 1_000; job++) {
            var minute = minute("~ * * * *", "job " + job);
            assertThat(minute("~ * * * *", "job " + job)).isEqualTo(minute);
            places.add(minute);
            assertThat(minute("10~19 * * * *", "job " + job)).isBetween(10, 19);
            assertThat(minute("~/15 * * * *", "job " + job)).isBetween(0, 14);
        }

        for (var minute = 0; minute < 60; minute++) {
            assertThat(java.util.Collections.frequency(places, minute))
                    .as("minute " + minute)
                    .isBetween(4, 40);
        }
        assertThat(read("~/20 * * * *", "a").getFirst().minutes())
                .satisfies(bits -> assertThat(Long.bitCount(bits)).isEqualTo(3));
    }

    private static int minute(String schedule, String job) {
        return Long.numberOfTrailingZeros(read(schedule, job).getFirst().minutes());
    }

    private static List<dev.orrery.domain.job.CronExpression> read(String schedule, String spread) {
        return switch (CronText.read(schedule, spread)) {
            case CronText.Reading.Read(var expressions) -> expressions;
            case CronText.Reading.Refused(var complaint) -> throw new AssertionError(schedule + ": " + complaint);
        };
    }

    private static List<Instant> fires(String schedule, ZoneId zone, Instant from, int count) {
        var times = new CronSchedule(read(schedule, ""), zone);
        var found = new ArrayList<Instant>();
        for (var next = times.next(from); next.isPresent() && found.size() < count; next = times.next(next.get())) {
            found.add(next.get());
        }
        return found;
    }

    /** One that never fires is refused when it is read, and then has nothing to agree on. */
    private static void agree(String schedule, ZoneId zone, Instant from, Instant to) {
        var oracle = new CronOracle(schedule, zone).fires(from, to);
        if (CronText.read(schedule, "") instanceof CronText.Reading.Refused(var complaint)) {
            assertThat(complaint).startsWith("it never fires");
            assertThat(oracle).as(schedule + " in " + zone + " from " + from).isEmpty();
            return;
        }
        var times = new CronSchedule(read(schedule, ""), zone);
        var found = new ArrayList<Instant>();
        for (var next = times.next(from); next.isPresent() && !next.get().isAfter(to); next = times.next(next.get())) {
            found.add(next.get());
        }

        assertThat(found).as(schedule + " in " + zone + " from " + from).isEqualTo(oracle);
    }

    private static String anySchedule(RandomGenerator random) {
        return String.join(
                " ",
                field(random, 0, 59),
                field(random, 0, 23),
                dayOfMonth(random),
                random.nextInt(3) > 0 ? "*" : field(random, 1, 12),
                weekday(random));
    }

    private static String field(RandomGenerator random, int min, int max) {
        var first = random.nextInt(min, max + 1);
        var second = random.nextInt(first, max + 1);
        return switch (random.nextInt(6)) {
            case 0 -> "*";
            case 1 -> "*/" + random.nextInt(1, max + 1);
            case 2 -> first + "-" + second;
            case 3 -> first + "-" + second + "/" + random.nextInt(1, max + 1);
            case 4 -> first + "," + random.nextInt(min, max + 1);
            default -> Integer.toString(first);
        };
    }

    private static String dayOfMonth(RandomGenerator random) {
        return switch (random.nextInt(8)) {
            case 0 -> "L";
            case 1 -> "L-" + random.nextInt(1, 28);
            case 2 -> random.nextInt(1, 29) + "W";
            case 3 -> "LW," + random.nextInt(1, 29);
            case 4 -> field(random, 1, 28);
            default -> "*";
        };
    }

    private static String weekday(RandomGenerator random) {
        return switch (random.nextInt(8)) {
            case 0 -> random.nextInt(7) + "L";
            case 1 -> random.nextInt(7) + "#" + random.nextInt(1, 6);
            case 2 -> field(random, 0, 6);
            default -> "*";
        };
    }
}
