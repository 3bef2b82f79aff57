package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UrgencyTest {

    private static final Instant NOON = Instant.parse("2026-01-31T12:00:00Z");
    private static final Duration PATIENCE = Urgency.AGING.multipliedBy(10);

    @ParameterizedTest
    @CsvSource({"10, 0", "9.5, 15", "5, 150", "0, 300"})
    void highPriorityIsLittlePatience(double priority, long seconds) {
        assertThat(Urgency.ofPriority(priority).latestStart(NOON)).isEqualTo(NOON.plusSeconds(seconds));
    }

    @Test
    void aDeadlineHurriesButNeverBeforeTheTaskIsReady() {
        assertThat(withBound(5, 60).latestStart(NOON)).isEqualTo(NOON.plusSeconds(60));
        assertThat(withBound(5, -60).latestStart(NOON)).isEqualTo(NOON);
        assertThat(withBound(5, 600).latestStart(NOON)).isEqualTo(NOON.plusSeconds(150));
    }

    @Test
    void latestStartLiesBetweenReadyAndTheGreatestPatience() {
        Seeded.forAll(random -> assertThat(any(random).latestStart(NOON)).isBetween(NOON, NOON.plus(PATIENCE)));
    }

    @Test
    void whateverBecomesReadyLaterThanTheGreatestPatienceCannotOvertake() {
        Seeded.forAll(random -> {
            var later = NOON.plus(PATIENCE).plusMillis(random.nextLong(1, 1_000_000_000));

            assertThat(any(random).latestStart(NOON)).isBefore(any(random).latestStart(later));
        });
    }

    /** One task a second is done, two of the highest priority come in each second, and never an end of it. */
    @Test
    void underAnEndlessFloodOfTheMostUrgentThePatientIsDoneInTime() {
        var patient = Urgency.ofPriority(0).latestStart(NOON);
        var flood = new PriorityQueue<Instant>();
        var seconds = 0L;

        for (; flood.isEmpty() || flood.peek().isBefore(patient); seconds++) {
            assertThat(seconds).as("seconds that it waits").isLessThanOrEqualTo(2 * PATIENCE.toSeconds());
            for (var n = 0; n < 2; n++) {
                flood.add(Urgency.ofPriority(Urgency.MAX_PRIORITY).latestStart(NOON.plusSeconds(seconds)));
            }
            flood.remove();
        }

        // Of those that came before its latest start, two a second, half are left when that has come.
        assertThat(seconds).isEqualTo(2 * PATIENCE.toSeconds());
    }

    @Test
    void morePriorityNeverMeansALaterStart() {
        Seeded.forAll(random -> {
            var urgency = any(random);
            var priority = urgency.priority() + (10 - urgency.priority()) * random.nextDouble();
            var more = new Urgency(priority, urgency.mustStartBy());

            assertThat(more.latestStart(NOON)).isBeforeOrEqualTo(urgency.latestStart(NOON));
        });
    }

    @Test
    void whatIsHandedDownIsAtLeastAsUrgentAsBothAndAsEitherOfThem() {
        Seeded.forAll(random -> {
            var one = any(random);
            var other = any(random);

            var both = one.orMore(other);

            assertThat(both).isEqualTo(other.orMore(one));
            assertThat(both.latestStart(NOON))
                    .isBeforeOrEqualTo(one.latestStart(NOON))
                    .isBeforeOrEqualTo(other.latestStart(NOON));
            assertThat(both.priority()).isIn(one.priority(), other.priority());
            assertThat(both.mustStartBy()).isIn(one.mustStartBy(), other.mustStartBy());
            assertThat(both.orMore(one)).isEqualTo(both);
        });
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.1, 10.1, Double.NaN})
    void aPriorityIsFromZeroToTen(double priority) {
        assertThatThrownBy(() -> Urgency.ofPriority(priority)).isInstanceOf(IllegalArgumentException.class);
    }

    private static Urgency withBound(double priority, long seconds) {
        return new Urgency(priority, Optional.of(NOON.plusSeconds(seconds)));
    }

    private static Urgency any(RandomGenerator random) {
        var bound = random.nextBoolean()
                ? Optional.of(NOON.plusMillis(random.nextLong(-500_000, 500_000)))
                : Optional.<Instant>empty();
        return new Urgency(random.nextInt(3) == 0 ? random.nextInt(11) : random.nextDouble(10), bound);
    }
}
