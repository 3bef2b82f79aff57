package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * How often a task may be tried, and how long to wait between tries.
 *
 * <p>The wait grows by {@code backoffMultiplier} from {@code initialDelay} and its middle never exceeds {@code maxDelay};
 * {@code jitter} is the share of it that is drawn at random, both ways, so that tasks which failed together do not come
 * back together.
 *
 * @param maxAttempts how many tries in all; the first one counts
 * @param rules after which failures there is another try
 * @param totalTimeout the limit of all attempts together, waits included: see {@link TotalTime}
 */
public record RetryPolicy(
        int maxAttempts,
        Duration initialDelay,
        Duration maxDelay,
        double backoffMultiplier,
        double jitter,
        RetryRules rules,
        Optional<Duration> totalTimeout) {

    public static final int ATTEMPTS_LIMIT = 100;
    public static final Duration DELAY_LIMIT = Duration.ofDays(30);
    public static final double MULTIPLIER_LIMIT = 10;
    public static final Duration MIN_TOTAL_TIMEOUT = Duration.ofMillis(10);
    public static final Duration MAX_TOTAL_TIMEOUT = Duration.ofDays(366);
    public static final RetryPolicy DEFAULT =
            new RetryPolicy(3, Duration.ofSeconds(1), Duration.ofMinutes(5), 2.0, 0.1);

    public RetryPolicy {
        requireNonNull(initialDelay, "initialDelay");
        requireNonNull(maxDelay, "maxDelay");
        requireNonNull(rules, "rules");
        require(maxAttempts >= 1 && maxAttempts <= ATTEMPTS_LIMIT, "maxAttempts must be 1..100, was " + maxAttempts);
        require(isDelay(initialDelay), "initialDelay must be 0..30 d, was " + initialDelay);
        require(isDelay(maxDelay), "maxDelay must be 0..30 d, was " + maxDelay);
        require(
                backoffMultiplier >= 1 && backoffMultiplier <= MULTIPLIER_LIMIT,
                "backoffMultiplier must be 1..10, was " + backoffMultiplier);
        require(jitter >= 0 && jitter <= 1, "jitter must be 0..1, was " + jitter);
        require(
                totalTimeout.stream().allMatch(RetryPolicy::isTotal),
                "totalTimeout must be 10 ms..366 d, was " + totalTimeout);
    }

    /** One without a limit of all attempts together. */
    public RetryPolicy(
            int maxAttempts,
            Duration initialDelay,
            Duration maxDelay,
            double backoffMultiplier,
            double jitter,
            RetryRules rules) {
        this(maxAttempts, initialDelay, maxDelay, backoffMultiplier, jitter, rules, Optional.empty());
    }

    /** One with the usual rules. */
    public RetryPolicy(
            int maxAttempts, Duration initialDelay, Duration maxDelay, double backoffMultiplier, double jitter) {
        this(maxAttempts, initialDelay, maxDelay, backoffMultiplier, jitter, RetryRules.NONE);
    }

    /** The same with another number of tries. */
    public RetryPolicy withMaxAttempts(int other) {
        return new RetryPolicy(other, initialDelay, maxDelay, backoffMultiplier, jitter, rules, totalTimeout);
    }

    /** The same with this limit of all attempts together. */
    public RetryPolicy withTotalTimeout(Duration total) {
        return new RetryPolicy(
                maxAttempts, initialDelay, maxDelay, backoffMultiplier, jitter, rules, Optional.of(total));
    }

    /** Whether another try is due after this many failures. */
    public boolean allowsAnotherAfter(int failures) {
        return failures < maxAttempts;
    }

    /** The wait after the n-th failure (1, 2, …). */
    public Duration delayAfter(int failures, RandomGenerator random) {
        require(failures >= 1, "failures start at 1, was " + failures);
        // Compared as doubles: the power overflows a long (and even a double, to infinity) long before it is needed.
        var grown = (double) initialDelay.toMillis() * Math.pow(backoffMultiplier, failures - 1.0);
        var middle = Math.min((double) maxDelay.toMillis(), grown);
        var spread = middle * jitter * (2 * random.nextDouble() - 1);
        return Duration.ofMillis(Math.round(middle + spread));
    }

    private static boolean isTotal(Duration total) {
        return total.compareTo(MIN_TOTAL_TIMEOUT) >= 0 && total.compareTo(MAX_TOTAL_TIMEOUT) <= 0;
    }

    private static boolean isDelay(Duration delay) {
        return !delay.isNegative() && delay.compareTo(DELAY_LIMIT) <= 0;
    }
}
