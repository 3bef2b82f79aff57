package dev.orrery.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.task.CalculatedPriority;
import dev.orrery.domain.task.Urgency;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.Seeded;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** The database orders tasks by the same rule as the domain. */
class LatestStartIT {

    private static final Instant NOW = Instant.parse("2026-03-29T00:59:59.999999Z");

    @Test
    void theDatabaseAndTheDomainAgreeToTheMicrosecond() throws SQLException {
        try (var database = Postgres.freshDatabase();
                var connection = database.connect();
                // As the hot path asks: the priority as it is stored, in single precision.
                var question = connection.prepareStatement("SELECT latest_start(?, ?::real, ?)")) {
            Seeded.forAll(2_000, random -> {
                var readyAt = NOW.plus(random.nextLong(10_000_000_000L), ChronoUnit.MICROS);
                var priority = priority(random);
                var mustStartBy = mustStartBy(random, readyAt);
                try {
                    question.setObject(1, readyAt.atOffset(ZoneOffset.UTC));
                    question.setFloat(2, (float) priority);
                    question.setObject(
                            3,
                            mustStartBy.map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null));
                    try (var rows = question.executeQuery()) {
                        rows.next();

                        assertThat(rows.getObject(1, OffsetDateTime.class).toInstant())
                                .isEqualTo(new Urgency((float) priority, mustStartBy).latestStart(readyAt));
                    }
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    @Test
    void theyAgreeOnCalculatedPrioritiesToTheLastBit() throws SQLException {
        try (var database = Postgres.freshDatabase();
                var connection = database.connect();
                var question = connection.prepareStatement(
                        "SELECT calculated_priority(?::smallint, ?::smallint, ?, ?::real)")) {
            var blocked = new AtomicInteger();
            Seeded.forAll(2_500, random -> {
                var own = random.nextInt(11);
                var depth = random.nextInt(20);
                var weight = random.nextBoolean() ? 0 : (float) random.nextDouble(-10, 10);
                // Each number up to where more count no more, and some beyond.
                var waiting = blocked.getAndIncrement() % 1_100;
                try {
                    question.setInt(1, own);
                    question.setInt(2, depth);
                    question.setInt(3, waiting);
                    question.setFloat(4, weight);
                    try (var rows = question.executeQuery()) {
                        rows.next();

                        assertThat(rows.getFloat(1)).isEqualTo(CalculatedPriority.of(own, depth, waiting, weight));
                    }
                } catch (SQLException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    /** The whole numbers that people write, their bounds, and what may come between them. */
    private static double priority(RandomGenerator random) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(11);
            case 1 -> random.nextBoolean() ? 0 : Urgency.MAX_PRIORITY;
            case 2 -> random.nextInt(101) / 10.0;
            default -> random.nextDouble(Urgency.MAX_PRIORITY);
        };
    }

    private static Optional<Instant> mustStartBy(RandomGenerator random, Instant readyAt) {
        return switch (random.nextInt(4)) {
            case 0 -> Optional.empty();
            case 1 -> Optional.of(readyAt);
            default ->
                Optional.of(readyAt.plus(
                        random.nextLong(-60_000_000, Duration.ofMinutes(10).toMillis() * 1_000), ChronoUnit.MICROS));
        };
    }
}
