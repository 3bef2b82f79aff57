package dev.orrery.service.remote;

import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.TotalTime;
import dev.orrery.store.Claim;
import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.WorkRepository;
import io.vertx.core.Future;
import java.util.Optional;
import java.util.function.IntFunction;

/** What claimed tasks are: those of runs by their DAG's version, single ones by themselves. */
public final class Definitions {

    private final IntFunction<Future<PublishedDag>> versions;
    private final SingleTaskRepository singles;
    private final WorkRepository work;

    public Definitions(IntFunction<Future<PublishedDag>> versions, SingleTaskRepository singles, WorkRepository work) {
        this.versions = versions;
        this.singles = singles;
        this.work = work;
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

    /** How much of its {@code totalTimeout} the task of this claim has used, where it has one. */
    Future<Optional<TotalTime>> total(Claim claim, TaskDefinition task) {
        return task.retry()
                .totalTimeout()
                .map(total -> work.totalUsed(claim.id(), claim.attempt())
                        .map(used -> Optional.of(new TotalTime(total, used))))
                .orElseGet(() -> Future.succeededFuture(Optional.empty()));
    }

    private Future<Claim> described(Claim claim) {
        return claim.single().isPresent()
                ? Future.succeededFuture(claim)
                : singles.describe(claim.id()).map(claim::of);
    }
}
