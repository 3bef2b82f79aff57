package dev.orrery.service;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.store.ExecutionRepository;
import dev.orrery.store.ExecutionRepository.Mark;
import io.vertx.core.Future;

/**
 * Notes how executions ended and counts them for their jobs, soon after and off the path on which tasks end. Done by the
 * leader, in rounds over all that have not ended.
 */
public final class EndedExecutions {

    private static final int BITE = 2_000;

    private final ExecutionRepository executions;
    private final Bus bus;
    private Mark mark = Mark.START;

    public EndedExecutions(ExecutionRepository executions, Bus bus) {
        this.executions = executions;
        this.bus = bus;
    }

    /** A bounded part of a round; true where there is more of it. */
    public Future<Boolean> note(long epoch) {
        return executions.noteEnded(mark, BITE, epoch).map(noted -> {
            mark = noted.next();
            if (noted.released() > 0) {
                bus.publishHere(Addresses.JOBS_CHANGED, new JobsChanged());
            }
            return !mark.equals(Mark.START);
        });
    }
}
