package dev.orrery.domain;

import static dev.orrery.domain.Checks.require;

import java.util.Optional;
import java.util.UUID;

/**
 * Which traces are recorded that nobody has decided about. It follows from the trace's id, so that all nodes with the same ratio
 * decide alike; what a caller has decided holds.
 *
 * @param ratio how many of them, from 0 (none) to 1 (all)
 */
public record TraceSampling(double ratio) {

    public static final TraceSampling ALL = new TraceSampling(1);

    private static final double ONE = 0x1p53;
    private static final int UNUSED_BITS = 11;

    public TraceSampling {
        require(ratio >= 0 && ratio <= 1, "a ratio must be 0..1, was " + ratio);
    }

    /** Whether a new trace of this id is recorded. */
    public boolean takes(UUID traceId) {
        return ratio >= 1 || (ratio > 0 && share(traceId) < ratio);
    }

    /** The flags of a new trace of this id. */
    public int flags(UUID traceId) {
        return takes(traceId) ? TraceContext.SAMPLED : 0;
    }

    /**
     * What a run counts as given: what it was, else its own trace where that is not recorded; nothing where it is, since that is
     * how a run without a given trace is read.
     */
    public Optional<TraceContext> given(RunId run, Optional<TraceContext> given) {
        return given.isPresent() || takes(run.value())
                ? given
                : Optional.of(new TraceContext(run.value(), TraceContext.spanOf(run), 0));
    }

    /** The same of the run of a task; costs nothing where all are recorded. */
    public Optional<TraceContext> given(TaskInstanceId task, Optional<TraceContext> given) {
        return ratio >= 1 ? given : given(task.runId(), given);
    }

    /** Ids of runs begin with their time, so their bits are spread first. */
    private static double share(UUID id) {
        return (TraceContext.mixed(id.getMostSignificantBits() + TraceContext.mixed(id.getLeastSignificantBits()))
                        >>> UNUSED_BITS)
                / ONE;
    }
}
