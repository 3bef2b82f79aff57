package dev.orrery.domain.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.testing.Seeded;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RetryPolicyTest {

    private static final int MANY_FAILURES = 100_000;

    @Test
    void whoSaysNothingHasThreeAttemptsWithWaitsThatDouble() {
        assertThat(RetryPolicy.DEFAULT)
                .isEqualTo(new RetryPolicy(3, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0.1));
    }

    @Test
    void theFirstAttemptCounts() {
        var policy = new RetryPolicy(3, Duration.ZERO, Duration.ZERO, 1, 0);

        assertThat(policy.allowsAnotherAfter(0)).isTrue();
        assertThat(policy.allowsAnotherAfter(2)).isTrue();
        assertThat(policy.allowsAnotherAfter(3)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"1, 1000", "2, 2000", "3, 4000", "9, 256000", "10, 300000", "100000, 300000"})
    void theWaitDoublesUpToItsLimit(int failures, long millis) {
        var policy = new RetryPolicy(100, Duration.ofSeconds(1), Duration.ofMinutes(5), 2, 0);

        assertThat(policy.delayAfter(failures, fixed(0.5))).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @CsvSource({"0.0, 800", "0.25, 900", "0.5, 1000", "0.75, 1100"})
    void jitterGoesBothWays(double drawn, long millis) {
        var policy = new RetryPolicy(3, Duration.ofSeconds(1), Duration.ofMinutes(5), 2, 0.2);

        assertThat(policy.delayAfter(1, fixed(drawn))).isEqualTo(Duration.ofMillis(millis));
    }

    @Test
    void theWaitStaysWithinTheShareOfJitterAroundItsMiddle() {
        Seeded.forAll(random -> {
            var policy = any(random);
            var failures = random.nextInt(1, random.nextBoolean() ? 101 : MANY_FAILURES);

            var delay = policy.delayAfter(failures, random).toMillis();

            var middle = policy.delayAfter(failures, fixed(0.5)).toMillis();
            assertThat(middle).isBetween(0L, policy.maxDelay().toMillis());
            assertThat((double) delay)
                    .isBetween(middle * (1 - policy.jitter()) - 1, middle * (1 + policy.jitter()) + 1)
                    .isNotNegative();
        });
    }

    @Test
    void theMiddleNeverShrinksFromOneFailureToTheNext() {
        Seeded.forAll(random -> {
            var policy = any(random);

            var last = Duration.ZERO;
            for (var failures = 1; failures <= 2_000; failures++) {
                var delay = policy.delayAfter(failures, fixed(0.5));
                assertThat(delay).isGreaterThanOrEqualTo(last);
                last = delay;
            }
        });
    }

    @ParameterizedTest
    @CsvSource({
        "0,   1,  1,  2,   0,   maxAttempts",
        "101, 1,  1,  2,   0,   maxAttempts",
        "1,  -1,  1,  2,   0,   initialDelay",
        "1,  2592000001, 1, 2, 0, initialDelay",
        "1,   1, -1,  2,   0,   maxDelay",
        "1,   1, 2592000001, 2, 0, maxDelay",
        "1,   1,  1,  0.9, 0,   backoffMultiplier",
        "1,   1,  1, 10.1, 0,   backoffMultiplier",
        "1,   1,  1,  NaN, 0,   backoffMultiplier",
        "1,   1,  1,  2,  -0.1, jitter",
        "1,   1,  1,  2,   1.1, jitter",
        "1,   1,  1,  2,   NaN, jitter",
    })
    void nonsenseIsRefused(int attempts, long initial, long max, double multiplier, double jitter, String field) {
        assertThatThrownBy(() -> new RetryPolicy(
                        attempts, Duration.ofMillis(initial), Duration.ofMillis(max), multiplier, jitter))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(field + " must be");
    }

    @Test
    void failuresAreCountedFromOne() {
        assertThatThrownBy(() -> RetryPolicy.DEFAULT.delayAfter(0, fixed(0.5)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("failures start at 1, was 0");
    }

    private static RetryPolicy any(RandomGenerator random) {
        return new RetryPolicy(
                random.nextInt(1, RetryPolicy.ATTEMPTS_LIMIT + 1),
                Duration.ofMillis(random.nextLong(0, RetryPolicy.DELAY_LIMIT.toMillis() + 1)),
                Duration.ofMillis(random.nextLong(0, RetryPolicy.DELAY_LIMIT.toMillis() + 1)),
                random.nextDouble(1, Math.nextUp(RetryPolicy.MULTIPLIER_LIMIT)),
                random.nextInt(4) == 0 ? random.nextInt(2) : random.nextDouble());
    }

    /** Draws this share of the way, again and again. */
    private static RandomGenerator fixed(double drawn) {
        return new RandomGenerator() {

            @Override
            public long nextLong() {
                throw new AssertionError("only doubles are drawn");
            }

            @Override
            public double nextDouble() {
                return drawn;
            }
        };
    }
}
