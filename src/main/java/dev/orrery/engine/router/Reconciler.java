package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.BusMessage.StopReason;
import dev.orrery.domain.NodeId;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;

/**
 * Compares what the database holds for this node with what memory holds, while no exchange is under way. What only the
 * database knows is handed back; what only memory knows is stopped, and forgotten when its report is refused.
 */
final class Reconciler {

    private static final System.Logger LOG = System.getLogger(Reconciler.class.getName());
    private static final Duration EVERY = Duration.ofSeconds(10);

    private final NodeId node;
    private final WorkRepository work;
    private final HeldClaims held;
    private final Stopper stopper;
    private final Pause pause;
    private final Signals signals;
    private final Loop loop;
    private boolean due = true;
    private boolean underWay;
    private long comparedAt = System.nanoTime();

    Reconciler(
            NodeId node,
            WorkRepository work,
            HeldClaims held,
            Stopper stopper,
            Pause pause,
            Signals signals,
            Loop loop) {
        this.node = node;
        this.work = work;
        this.held = held;
        this.stopper = stopper;
        this.pause = pause;
        this.signals = signals;
        this.loop = loop;
    }

    /** Memory and database may differ. */
    void expectDifference() {
        due = true;
    }

    boolean isDue() {
        return due;
    }

    boolean isUnderWay() {
        return underWay;
    }

    /** From time to time even if nothing is known to differ. */
    void poll() {
        due |= System.nanoTime() - comparedAt > EVERY.toNanos();
    }

    void compare() {
        // What comes to differ from here on may be missed by this look, and is for the next one.
        due = false;
        underWay = true;
        Future.succeededFuture()
                .compose(_ -> work.openClaims(node))
                .compose(this::settle)
                .onComplete(answer -> {
                    underWay = false;
                    if (answer.succeeded()) {
                        comparedAt = System.nanoTime();
                    } else {
                        LOG.log(WARNING, "cannot compare claims with the database", answer.cause());
                        due = true;
                        pause.begin();
                    }
                    loop.turn();
                });
    }

    private Future<Void> settle(List<Held> open) {
        var known = new HashSet<>(open);
        var lost = held.given().stream().filter(claim -> !known.contains(claim)).toList();
        stopper.stop(lost, StopReason.CLAIM_LOST);
        var strange = open.stream().filter(claim -> !held.holds(claim)).toList();
        if (!strange.isEmpty()) {
            LOG.log(WARNING, "handing back claims that this node does not know: claims={0}", strange.size());
        }
        return handBack(strange);
    }

    /** Makes claims ready again that no worker of this node has, and tells so. */
    Future<Void> handBack(Collection<Held> claims) {
        return work.handBack(node, claims)
                .onSuccess(queues -> {
                    if (!claims.isEmpty()) {
                        signals.historyGrew();
                        signals.workReady(queues);
                    }
                })
                .mapEmpty();
    }
}
