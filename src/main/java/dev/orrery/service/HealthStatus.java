package dev.orrery.service;

import java.time.Duration;
import java.util.Optional;

/**
 * Whether jobs fire when they are due.
 *
 * @param isLed whether there is a node that fires them
 * @param late how long the job that waits longest is over its time
 */
public record HealthStatus(boolean isLed, Duration late) {

    /** A leader that was lost is replaced within seconds, and what became due meanwhile fired at once. */
    static final Duration LATE_MAX = Duration.ofSeconds(30);

    /** What is wrong, for people; empty where all is well. */
    public Optional<String> complaint() {
        if (late.compareTo(LATE_MAX) <= 0) {
            return Optional.empty();
        }
        var since = "jobs are due since " + late.toSeconds() + " s and were not fired: ";
        return Optional.of(
                since + (isLed ? "the leader is behind, see its log" : "no node leads; see whether they reach etcd"));
    }
}
