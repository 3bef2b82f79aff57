package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Seeded;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CalculatedPriorityTest {

    @ParameterizedTest
    @CsvSource({
        "5, 0, 0, 0, 5.0",
        "5, 3, 0, 0, 5.3",
        "5, 0, 1, 0, 5.25",
        "5, 0, 3, 0, 5.5",
        "5, 0, 1000, 0, 7.4918065",
        "5, 0, 1000000, 0, 7.4918065",
        "5, 10, 3, 1.5, 8.0",
        "5, 0, 0, -1.5, 3.5",
        "10, 10, 1000, 0, 10",
        "0, 0, 0, -3, 0"
    })
    void depthThoseThatWaitAndTheSourceCount(int priority, int depth, int blocked, double weight, float expected) {
        assertThat(CalculatedPriority.of(priority, depth, blocked, weight)).isEqualTo(expected);
    }

    @Test
    void moreOfAnythingNeverMeansLess() {
        Seeded.forAll(random -> {
            var priority = random.nextInt(11);
            var depth = random.nextInt(11);
            var blocked = random.nextInt(2_000);
            var weight = random.nextDouble(-10, 10);
            var one = CalculatedPriority.of(priority, depth, blocked, weight);

            var more = CalculatedPriority.of(
                    Math.min(10, priority + random.nextInt(3)),
                    depth + random.nextInt(3),
                    blocked + random.nextInt(3),
                    weight + random.nextDouble());

            assertThat(more).isGreaterThanOrEqualTo(one).isBetween(0f, 10f);
        });
    }

    @ParameterizedTest
    @CsvSource({"-1, 0, 0", "11, 0, 0", "5, -1, 0", "5, 0, -1"})
    void nonsenseIsRefused(int priority, int depth, int blocked) {
        assertThatThrownBy(() -> CalculatedPriority.of(priority, depth, blocked, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
