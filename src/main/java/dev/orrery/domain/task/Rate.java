package dev.orrery.domain.task;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;

/**
 * How many tasks may begin in a span of time: a bucket of {@code limit} tokens that fills anew evenly in {@code per}. Each
 * claim takes one, so after a quiet time that many begin at once, and then one every {@code per / limit}.
 *
 * @param limit 1 to 1,000,000
 * @param per 1 s to 24 h
 */
public record Rate(int limit, Duration per) {

    public static final int LIMIT_MAX = 1_000_000;
    public static final Duration PER_MIN = Duration.ofSeconds(1);
    public static final Duration PER_MAX = Duration.ofHours(24);

    public Rate {
        require(limit >= 1 && limit <= LIMIT_MAX, "limit must be 1..1000000, was " + limit);
        require(per.compareTo(PER_MIN) >= 0 && per.compareTo(PER_MAX) <= 0, "per must be 1 s..24 h, was " + per);
    }
}
