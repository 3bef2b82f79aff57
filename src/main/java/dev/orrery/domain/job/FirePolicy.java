package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Duration;

/**
 * How a job fires where it cannot simply do so.
 *
 * @param tolerance by so much a due time may have passed and is no misfire yet; 0 to 60 s
 */
public record FirePolicy(MisfirePolicy misfire, OverlapPolicy overlap, Duration tolerance) {

    /** A change of the leader is over well within it, and costs no job a firing. */
    public static final Duration TOLERANCE = Duration.ofSeconds(60);

    public static final FirePolicy DEFAULT = of(MisfirePolicy.DEFAULT, OverlapPolicy.DEFAULT);

    /** Of all that is due only the latest counts. */
    public static final FirePolicy LATEST = new FirePolicy(MisfirePolicy.FIRE_ONCE, OverlapPolicy.SKIP, Duration.ZERO);

    public FirePolicy {
        require(
                !tolerance.isNegative() && tolerance.compareTo(TOLERANCE) <= 0,
                "the tolerance must be 0 to 60 s, was " + tolerance);
    }

    public static FirePolicy of(MisfirePolicy misfire, OverlapPolicy overlap) {
        return new FirePolicy(misfire, overlap, TOLERANCE);
    }

    FirePolicy with(MisfirePolicy other) {
        return new FirePolicy(other, overlap, tolerance);
    }
}
