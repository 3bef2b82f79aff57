package dev.orrery.node;

import dev.orrery.bus.Bus;
import dev.orrery.config.MemoryBudget;
import dev.orrery.service.RunService;
import dev.orrery.store.Batcher;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.DagVersions;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.Pools;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.WorkRepository;
import io.vertx.core.Vertx;
import java.util.UUID;
import java.util.function.Supplier;

/** What a node has for runs. */
final class RunParts {

    private static final long HEAP = Runtime.getRuntime().maxMemory();
    private static final int RUN_BYTES = 200;

    private RunParts() {}

    static RunService runs(
            Vertx vertx,
            Pools pools,
            WorkRepository work,
            LogRepository logs,
            DagVersions versions,
            Supplier<UUID> ids,
            Bus bus) {
        var creations = new Batcher<NewRun, NewRun.Result>(
                "run submissions",
                new Batcher.Limits(200, 4 << 20, 2, 10_000, MemoryBudget.submissions(HEAP) / 2),
                run -> RUN_BYTES
                        + run.params().map(params -> params.text().length()).orElse(0),
                work::createRuns,
                StoreFailures::isLasting);
        return new RunService(
                new RunService.Repositories(
                        work,
                        new DagRunRepository(vertx, pools.api()),
                        new TaskInstanceRepository(vertx, pools.api()),
                        logs),
                creations,
                versions.by(pools.api())::version,
                ids,
                bus);
    }
}
