package dev.orrery.api;

import dev.orrery.domain.WireNamed;
import java.time.Duration;
import java.util.Optional;

/**
 * How a part of a node is.
 *
 * @param reason what is wrong and what helps, in words that anybody may read; empty where all is well
 * @param age how long ago the part last proved that it lives; empty where the look itself is the proof
 */
public record Health(Status status, Optional<String> reason, Optional<Duration> age) {

    /** How it is, from well to bad. */
    public enum Status implements WireNamed {
        UP,
        /** Work goes on, but something that helps is missing, or will soon be. */
        DEGRADED,
        /** No work can be done. */
        DOWN
    }

    /** All is well, as this look has shown. */
    public static Health up() {
        return new Health(Status.UP, Optional.empty(), Optional.empty());
    }

    /** All is well, as was seen so long ago. */
    public static Health up(Duration age) {
        return new Health(Status.UP, Optional.empty(), Optional.of(age));
    }

    public static Health degraded(String reason) {
        return new Health(Status.DEGRADED, Optional.of(reason), Optional.empty());
    }

    public static Health down(String reason) {
        return new Health(Status.DOWN, Optional.of(reason), Optional.empty());
    }

    /** The same, last seen alive so long ago. */
    public Health since(Duration age) {
        return new Health(status, reason, Optional.of(age));
    }
}
