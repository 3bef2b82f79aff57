package dev.orrery.domain.event;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a handler makes of events. Texts of expressions are CEL over {@code event}.
 *
 * @param eventName the name of the events that it listens to
 * @param filter true of the events that it wants; absent: all
 * @param payloadMapping makes what an execution is given; absent: the event's payload
 */
public record EventRule(
        String eventName,
        Optional<String> filter,
        Optional<String> payloadMapping,
        Optional<Debounce> debounce,
        Optional<Throttle> throttle) {

    /** So many handlers of one name may be enabled; the database holds it, see {@code admit_handler}. */
    public static final int MAX_HANDLERS = 100;

    public static final Duration MAX_WAIT = Duration.ofDays(7);

    public EventRule {
        requireNonNull(eventName, "eventName");
        requireNonNull(filter, "filter");
        requireNonNull(payloadMapping, "payloadMapping");
        requireNonNull(debounce, "debounce");
        requireNonNull(throttle, "throttle");
    }

    /** How long the texts of its expressions are together. */
    public int weight() {
        return Stream.of(filter, payloadMapping, debounce.flatMap(Debounce::key), throttle.flatMap(Throttle::key))
                .flatMap(Optional::stream)
                .mapToInt(String::length)
                .sum();
    }

    /**
     * Fires once for several events, with the last of them, when no more came for a while.
     *
     * @param quiet how long that is
     * @param maxWait fires so long after the first of them even if more come
     * @param key events with equal ones are taken together; absent: all are
     */
    public record Debounce(Duration quiet, Optional<Duration> maxWait, Optional<String> key) {

        public Debounce {
            require(quiet.isPositive(), "quiet must be positive, was " + quiet);
            maxWait.ifPresent(most -> require(most.compareTo(quiet) >= 0, "maxWait " + most + " is below " + quiet));
            requireNonNull(key, "key");
        }
    }

    /**
     * Fires only so often; events beyond that are recorded and fire nothing.
     *
     * @param limit how often in a window
     * @param per the length of a window, which begins with the first event after the last one
     * @param key events with equal ones share a limit; absent: all do
     */
    public record Throttle(int limit, Duration per, Optional<String> key) {

        public Throttle {
            require(limit >= 1, "limit must be at least 1, was " + limit);
            require(per.isPositive(), "per must be positive, was " + per);
            requireNonNull(key, "key");
        }
    }
}
