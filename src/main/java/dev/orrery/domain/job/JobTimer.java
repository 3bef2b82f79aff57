package dev.orrery.domain.job;

import static dev.orrery.domain.Checks.require;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where a job stands when it is asked what to do.
 *
 * @param due its first due time that has not been dealt with; none where none comes
 * @param held the due time that waits for the execution before to end
 * @param isRunning whether an execution of it has not ended
 * @param remaining how many more executions there may be, what is held not among those that were; absent where there is
 *     no limit
 */
public record JobTimer(Optional<Instant> due, Optional<Instant> held, boolean isRunning, OptionalLong remaining) {

    public JobTimer {
        require(
                remaining.isEmpty() || remaining.getAsLong() >= 0,
                "there cannot be " + remaining + " executions remaining");
    }

    /** A job that is due at this time, where nothing is held and the number of executions has no limit. */
    public static JobTimer due(Instant due, boolean isRunning) {
        return new JobTimer(Optional.of(due), Optional.empty(), isRunning, OptionalLong.empty());
    }
}
