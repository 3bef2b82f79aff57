package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Drained;
import dev.orrery.bus.BusMessage.GiveBack;
import dev.orrery.bus.BusMessage.ReleaseWork;
import dev.orrery.bus.BusMessage.Released;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Evens out what was claimed and has not begun: a node with nothing to do asks the one that holds most, which hands up to
 * half of it back for anyone to claim. No claim moves from node to node, so nothing can be lost on the way. It is seldom
 * needed, since nodes claim little more than they can run.
 */
final class Sharing {

    private static final System.Logger LOG = System.getLogger(Sharing.class.getName());
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(2);
    private static final Duration WORKER_ANSWERS = Duration.ofSeconds(1);

    private final NodeId self;
    private final HeldClaims held;
    private final Appetite appetite;
    private final Reconciler reconciler;
    private final Supplier<List<AliveNode>> peers;
    private final Bus bus;
    private final int concurrency;
    private final OneAtATime asking = new OneAtATime(this::ask);

    /** {@code concurrency}: how many tasks a worker runs at once. */
    Sharing(
            NodeId self,
            Memory memory,
            Reconciler reconciler,
            Supplier<List<AliveNode>> peers,
            Bus bus,
            int concurrency) {
        this.self = self;
        this.held = memory.held();
        this.appetite = memory.appetite();
        this.reconciler = reconciler;
        this.peers = peers;
        this.bus = bus;
        this.concurrency = concurrency;
    }

    /** Asks another node for work if this one has none. */
    void look() {
        if (appetite.isHungry()) {
            asking.ask();
        }
    }

    private Future<?> ask() {
        var busiest = peers.get().stream()
                .filter(node -> !node.id().equals(self) && node.queued() > 0)
                .max(Comparator.comparingInt(AliveNode::queued));
        if (busiest.isEmpty()) {
            return Future.succeededFuture();
        }
        var request = new ReleaseWork(appetite.size(), Set.copyOf(appetite.queues()));
        return bus.request(Addresses.release(busiest.get().id()), request, ANSWER_LIMIT)
                .onFailure(error -> LOG.log(DEBUG, "a node does not share its work", error));
    }

    /** Hands back what another node asks for, if there is so much. */
    Future<Released> release(ReleaseWork request) {
        var answers = new ArrayList<Future<List<Held>>>();
        var wanted = request.most();
        for (var worker : held.workers()) {
            var unstarted = Math.max(0, held.unfinishedOf(worker) - concurrency);
            // Half of what each has, so that none is emptied for another.
            var share = Math.min(wanted, (unstarted + 1) / 2);
            if (share > 0) {
                wanted -= share;
                answers.add(giveBack(worker, share, request.queues()));
            }
        }
        return Future.all(answers).compose(all -> handBack(all.list()));
    }

    private Future<List<Held>> giveBack(WorkerId worker, int share, Set<String> queues) {
        return bus.request(Addresses.giveBack(worker), new GiveBack(share, queues), WORKER_ANSWERS)
                .map(Sharing::claims)
                .recover(error -> {
                    LOG.log(WARNING, "a worker does not give back, comparing with the database finds it", error);
                    reconciler.expectDifference();
                    return Future.succeededFuture(List.of());
                });
    }

    private static List<Held> claims(Drained given) {
        return given.unfinished().stream()
                .map(assignment -> new Held(assignment.instanceId(), assignment.fence()))
                .toList();
    }

    private Future<Released> handBack(List<List<Held>> given) {
        var claims = new ArrayList<Held>();
        given.forEach(claims::addAll);
        claims.removeIf(claim -> !held.holds(claim));
        return reconciler
                .handBack(claims)
                .onComplete(answer -> {
                    // No worker has them any more; where the database was not reached, comparing finds them.
                    claims.forEach(held::forget);
                    if (answer.failed()) {
                        reconciler.expectDifference();
                    }
                })
                .map(new Released(claims.size()));
    }
}
