package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Assign;
import dev.orrery.bus.BusMessage.StopReason;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.store.Claim;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Gives each claim to the worker that has the least to do, once the claim's DAG version is at hand. What cannot be given
 * is no longer held, so that reconciling hands it back.
 */
final class Assigner {

    private static final System.Logger LOG = System.getLogger(Assigner.class.getName());
    private static final Duration WORKER_ANSWERS = Duration.ofSeconds(5);

    private final IntFunction<Future<PublishedDag>> versions;
    private final HeldClaims held;
    private final Stopper stopper;
    private final Reconciler reconciler;
    private final Pause pause;
    private final Bus bus;
    private final Loop loop;
    private boolean over;

    Assigner(
            IntFunction<Future<PublishedDag>> versions,
            HeldClaims held,
            Stopper stopper,
            Reconciler reconciler,
            Pause pause,
            Bus bus,
            Loop loop) {
        this.versions = versions;
        this.held = held;
        this.stopper = stopper;
        this.reconciler = reconciler;
        this.pause = pause;
        this.bus = bus;
        this.loop = loop;
    }

    /** For good: workers that drain take nothing. */
    void end() {
        over = true;
    }

    void assign(List<Claim> claims) {
        var unknown = new LinkedHashMap<Integer, List<Claim>>();
        var assignments = new ArrayList<TaskAssignment>(claims.size());
        for (var claim : claims) {
            if (claim.single().isPresent()) {
                assignments.add(claim.assignment());
                continue;
            }
            var dag = versions.apply(claim.versionId());
            if (dag.succeeded()) {
                assignments.add(claim.assignment(dag.result()));
            } else {
                unknown.computeIfAbsent(claim.versionId(), _ -> new ArrayList<>())
                        .add(claim);
            }
        }
        give(assignments);
        unknown.forEach(this::assignOnceRead);
    }

    private void assignOnceRead(int version, List<Claim> claims) {
        var waiting = claims.stream()
                .map(claim -> new Held(claim.id(), claim.fence()))
                .toList();
        held.expect(waiting);
        versions.apply(version).onComplete(dag -> {
            held.expectNoMore(waiting);
            if (dag.succeeded()) {
                give(claims.stream()
                        .map(claim -> claim.assignment(dag.result()))
                        .toList());
            } else {
                LOG.log(WARNING, "cannot read DAG version " + version + ", its tasks are handed back", dag.cause());
                cannotBeGiven();
            }
            loop.turn();
        });
    }

    private void give(List<TaskAssignment> assignments) {
        if (over && !assignments.isEmpty()) {
            reconciler.expectDifference();
            return;
        }
        Map<WorkerId, List<TaskAssignment>> byWorker = new LinkedHashMap<>();
        for (var assignment : assignments) {
            byWorker.computeIfAbsent(held.assign(assignment), _ -> new ArrayList<>())
                    .add(assignment);
        }
        byWorker.forEach((worker, share) -> bus.request(Addresses.assign(worker), new Assign(share), WORKER_ANSWERS)
                .onFailure(error -> {
                    LOG.log(WARNING, "worker " + worker + " did not take its tasks, they are handed back", error);
                    drop(share);
                    cannotBeGiven();
                    loop.turn();
                }));
    }

    /** Holds them no longer. The worker may have taken them though its answer did not come: it is told to stop. */
    private void drop(List<TaskAssignment> share) {
        var claims = share.stream()
                .map(assignment -> new Held(assignment.instanceId(), assignment.fence()))
                .toList();
        stopper.stop(claims, StopReason.CLAIM_LOST);
        claims.forEach(held::forget);
    }

    /** Not at once again: what is handed back is the first to be claimed, and would meet the same. */
    private void cannotBeGiven() {
        reconciler.expectDifference();
        pause.begin();
    }
}
