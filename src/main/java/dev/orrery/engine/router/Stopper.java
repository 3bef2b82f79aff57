package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.ClaimedTask;
import dev.orrery.bus.BusMessage.StopAttempts;
import dev.orrery.bus.BusMessage.StopReason;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
                .onSuccess(asked -> stop(asked, StopReason.CANCELLED))
                .onFailure(error -> LOG.log(DEBUG, "cannot read cancel requests", error));
    }

    /** The workers report the ends of those that they know; each worker is told of all its claims at once. */
    void stop(Collection<Held> claims, StopReason reason) {
        Map<WorkerId, List<ClaimedTask>> byWorker = new LinkedHashMap<>();
        for (var claim : claims) {
            held.workerOf(claim)
                    .ifPresent(worker -> byWorker.computeIfAbsent(worker, _ -> new ArrayList<>())
                            .add(new ClaimedTask(claim.id(), claim.fence())));
        }
        byWorker.forEach((worker, share) -> bus.send(Addresses.stop(worker), new StopAttempts(share, reason)));
    }
}
