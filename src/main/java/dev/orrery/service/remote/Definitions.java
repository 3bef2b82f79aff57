package dev.orrery.service.remote;

import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.store.Claim;
import dev.orrery.store.SingleTaskRepository;
import io.vertx.core.Future;
import java.util.function.IntFunction;

/** What claimed tasks are: those of runs by their DAG's version, single ones by themselves. */
public final class Definitions {

    private final IntFunction<Future<PublishedDag>> versions;
    private final SingleTaskRepository singles;

    public Definitions(IntFunction<Future<PublishedDag>> versions, SingleTaskRepository singles) {
        this.versions = versions;
        this.singles = singles;
    }

    /** What a worker is to do. */
    Future<TaskAssignment> assignment(Claim claim) {
        if (claim.id().isSingle()) {
            return described(claim).map(Claim::assignment);
        }
        return versions.apply(claim.versionId()).map(claim::assignment);
    }

    /** What the task of this claim is. */
    Future<TaskDefinition> definition(Claim claim) {
        return assignment(claim).map(TaskAssignment::taskDefinition);
    }

    private Future<Claim> described(Claim claim) {
        return claim.single().isPresent()
                ? Future.succeededFuture(claim)
                : singles.describe(claim.id()).map(claim::of);
    }
}
