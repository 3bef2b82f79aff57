package dev.orrery.domain.job;

import java.time.Instant;
import java.util.Optional;

/** A single due time. */
public record Once(Instant at) implements Schedule {

    public Once {
        at = Schedule.kept(at, "the time of a job");
    }

    @Override
    public Optional<Instant> next(Instant after) {
        return after.isBefore(at) ? Optional.of(at) : Optional.empty();
    }
}
