package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Drain;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.List;

/**
 * Ends the work of a node: what has not begun is handed back at once, what runs may go on for the drain timeout, and is
 * then stopped and handed back too. A worker that does not answer is asked again: it answers with the same.
 */
final class Drainer {

    private static final System.Logger LOG = System.getLogger(Drainer.class.getName());
    private static final Duration HANDS_BACK_WITHIN = Duration.ofSeconds(5);
    private static final Duration STOPS_WITHIN = Duration.ofMinutes(1);
    private static final Duration ASK_AGAIN = Duration.ofMillis(500);

    private final HeldClaims held;
    private final Reconciler reconciler;
    private final Bus bus;
    private final Loop loop;
    private final Promise<Void> drained = Promise.promise();
    private boolean draining;
    private boolean owes;

    Drainer(HeldClaims held, Reconciler reconciler, Bus bus, Loop loop) {
        this.held = held;
        this.reconciler = reconciler;
        this.bus = bus;
        this.loop = loop;
    }

    /** Completes when nothing is held any more and all that was reported is committed. */
    Future<Void> drain(Duration runningMayTake) {
        if (draining) {
            return drained.future();
        }
        draining = true;
        askAll(false);
        loop.later(runningMayTake, () -> askAll(true));
        return drained.future();
    }

    /** Nothing may go on: what runs would be run again elsewhere, and its results refused. */
    void stopAtOnce() {
        draining = true;
        askAll(true);
    }

    boolean isDraining() {
        return draining;
    }

    /** Nothing is under way or waits. */
    void settled() {
        if (draining && held.isEmpty()) {
            drained.tryComplete();
        }
    }

    /** The database is away, and nothing that is known of waits for it. What it may know of is taken back as of any who left. */
    void settledAlone() {
        if (!owes) {
            settled();
        }
    }

    private void askAll(boolean stopRunning) {
        held.workers().forEach(worker -> ask(worker, stopRunning));
    }

    private void ask(WorkerId worker, boolean stopRunning) {
        if (drained.future().isComplete()) {
            return;
        }
        bus.request(Addresses.drain(worker), new Drain(stopRunning), stopRunning ? STOPS_WITHIN : HANDS_BACK_WITHIN)
                .onSuccess(answer -> handBack(answer.unfinished()))
                .onFailure(error -> {
                    LOG.log(WARNING, "worker " + worker + " did not drain, is asked again", error);
                    loop.later(ASK_AGAIN, () -> ask(worker, stopRunning));
                });
    }

    private void handBack(List<TaskAssignment> unfinished) {
        var claims = unfinished.stream()
                .map(assignment -> new Held(assignment.instanceId(), assignment.fence()))
                .filter(held::holds)
                .toList();
        reconciler.handBack(claims).onComplete(answer -> {
            // The worker is done with them in any case; where the database was not reached, reconciling hands them
            // back.
            claims.forEach(held::forget);
            if (answer.failed()) {
                LOG.log(WARNING, "cannot hand back now: claims=" + claims.size(), answer.cause());
                owes |= !claims.isEmpty();
                reconciler.expectDifference();
            }
            loop.turn();
        });
    }
}
