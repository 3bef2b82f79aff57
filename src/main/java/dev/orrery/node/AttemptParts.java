package dev.orrery.node;

import static dev.orrery.node.OpenParts.STEP_LIMIT;
import static dev.orrery.node.OpenParts.await;

import dev.orrery.api.Contract;
import dev.orrery.config.MemoryBudget;
import dev.orrery.config.OrreryConfig;
import dev.orrery.coordination.Membership;
import dev.orrery.domain.task.TaskTokens;
import dev.orrery.engine.worker.TaskInputs;
import dev.orrery.executor.CallAccess;
import dev.orrery.executor.ExecutorEnvironment;
import dev.orrery.executor.LogSink;
import dev.orrery.service.TaskAccess;
import dev.orrery.service.TaskGifts;
import dev.orrery.store.DagVersions;
import dev.orrery.store.LogRepository;
import dev.orrery.store.Pools;
import dev.orrery.store.TaskAccessRepository;
import dev.orrery.store.TaskInstanceRepository;
import io.vertx.core.Vertx;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;

/** What attempts at tasks are given by their node. */
final class AttemptParts {

    /** By how much the guard is ahead of the others, who requeue what a frozen node holds a moment after its lease. */
    private static final Duration GUARD_MARGIN = Duration.ofMillis(500);

    final TaskGifts gifts;
    final LogSink logs;

    /** Where they are let in again. */
    final TaskAccess access;

    /** Blocks until the database has told by which secret tasks are let in. */
    AttemptParts(Vertx vertx, Pools pools, DagVersions versions, long heap) {
        this.gifts = new TaskGifts(
                new TaskInstanceRepository(vertx, pools.attempts()), versions::version, MemoryBudget.inputs(heap));
        this.logs = LogChunks.to(new LogRepository(vertx, pools.attempts()), heap);
        this.access = await(TaskAccess.open(new TaskAccessRepository(vertx, pools.api())), STEP_LIMIT);
    }

    static ExecutorEnvironment environment(
            Supplier<URI> address, Path startDirectory, OrreryConfig config, TaskTokens tokens) {
        return new ExecutorEnvironment(
                () -> address.get() + Contract.BASE_PATH,
                startDirectory,
                config.node().dataDir(),
                context -> tokens.of(context.instanceId(), context.fence()),
                config.isCluster() ? Membership.LEASE.minus(GUARD_MARGIN) : Duration.ZERO);
    }

    static CallAccess callAccess(Supplier<URI> address, TaskTokens tokens) {
        return new CallAccess(() -> address.get() + Contract.BASE_PATH, tokens);
    }

    TaskInputs inputs() {
        return assignment -> gifts.of(assignment)
                .map(given -> new TaskInputs.Inputs(given.params(), given.own(), given.outputs(), given.letGo()));
    }
}
