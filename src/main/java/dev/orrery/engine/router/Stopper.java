package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.StopAttempt;
import dev.orrery.bus.BusMessage.StopReason;
import dev.orrery.domain.NodeId;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;

/** Tells workers to end attempts: those that someone cancels, and those whose claim is gone. Telling twice is harmless. */
final class Stopper {

    private static final System.Logger LOG = System.getLogger(Stopper.class.getName());

    private final NodeId node;
    private final WorkRepository work;
    private final HeldClaims held;
    private final Bus bus;
    private final OneAtATime cancels = new OneAtATime(this::readCancels);

    Stopper(NodeId node, WorkRepository work, HeldClaims held, Bus bus) {
        this.node = node;
        this.work = work;
        this.held = held;
        this.bus = bus;
    }

    /** Reads what of this node's is asked to end; a claim that is still on its way to a worker is met by the next look. */
    void look() {
        cancels.ask();
    }

    private Future<?> readCancels() {
        return work.cancelRequests(node)
                .onSuccess(asked -> asked.forEach(claim -> stop(claim, StopReason.CANCELLED)))
                .onFailure(error -> LOG.log(DEBUG, "cannot read cancel requests", error));
    }

    /** The worker reports the end, unless it knows nothing of it. */
    void stop(Held claim, StopReason reason) {
        held.workerOf(claim)
                .ifPresent(
                        worker -> bus.send(Addresses.stop(worker), new StopAttempt(claim.id(), claim.fence(), reason)));
    }
}
