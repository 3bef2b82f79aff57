package dev.orrery.node;

import dev.orrery.bus.Bus;
import dev.orrery.config.MemoryBudget;
import dev.orrery.coordination.DatabaseClock;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.engine.scheduler.Chore;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeader;
import dev.orrery.service.TaskGifts;
import dev.orrery.service.remote.Definitions;
import dev.orrery.service.remote.RemoteTimeouts;
import dev.orrery.service.remote.RemoteWork;
import dev.orrery.service.remote.RemoteWorkers;
import dev.orrery.store.Endings;
import dev.orrery.store.LogRepository;
import dev.orrery.store.RemoteWorkerRepository;
import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.WorkRepository;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** What a node has for remote workers. */
final class RemoteParts {

    private static final int FORGOTTEN_AT_ONCE = 1_000;

    private final RemoteWorkerRepository repository;
    private final RemoteTimeouts timeouts;
    final RemoteWorkers workers;
    final RemoteWork work;

    RemoteParts(
            Vertx vertx,
            Pool pool,
            WorkRepository engine,
            IntFunction<Future<PublishedDag>> versions,
            TaskGifts gifts,
            Supplier<UUID> ids,
            DatabaseClock clock,
            RandomGenerator random,
            Bus bus,
            TraceParts traces,
            Endings endings,
            int logLimit) {
        this.repository = new RemoteWorkerRepository(vertx, pool, traces.tracing.sampling());
        var singles = new SingleTaskRepository(vertx, pool, SingleTaskRepository.Limits.USUAL);
        var definitions = new Definitions(versions, singles, engine);
        this.timeouts = new RemoteTimeouts(repository, engine, definitions, bus, random, endings);
        this.workers = new RemoteWorkers(repository, ids);
        this.work = new RemoteWork(
                vertx,
                new RemoteWork.Repositories(repository, engine, new LogRepository(vertx, pool)),
                gifts,
                definitions,
                bus,
                () -> Instant.ofEpochMilli(clock.millis()),
                random,
                traces.attempts,
                traces::given,
                logLimit,
                MemoryBudget.requests(Runtime.getRuntime().maxMemory()));
    }

    List<Chore> chores() {
        return List.of(
                new Chore("overdue remote work", Duration.ofSeconds(1), new OfLeader(_ -> timeouts.bite())),
                new Chore(
                        "old remote workers",
                        Duration.ofMinutes(1),
                        new OfLeader(_ ->
                                repository.forgetOld(FORGOTTEN_AT_ONCE).map(count -> count == FORGOTTEN_AT_ONCE))));
    }
}
