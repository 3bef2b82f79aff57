package dev.orrery.node;

import dev.orrery.bus.Bus;
import dev.orrery.config.DeadLettersConfig;
import dev.orrery.config.MemoryBudget;
import dev.orrery.config.QueueConfig;
import dev.orrery.coordination.DatabaseClock;
import dev.orrery.domain.Json;
import dev.orrery.service.AuditService;
import dev.orrery.service.TaskCalls;
import dev.orrery.service.TaskQueue;
import dev.orrery.service.TaskSubmissions;
import dev.orrery.service.deadletter.DeadLetterService;
import dev.orrery.store.AuditRepository;
import dev.orrery.store.Batcher;
import dev.orrery.store.DeadLetterRepository;
import dev.orrery.store.LetterRedriveRepository;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewTask;
import dev.orrery.store.Pools;
import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.SingleTaskRepository.Limits;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.SubmissionResult;
import dev.orrery.store.TaskCallRepository;
import dev.orrery.store.TaskCountsRepository;
import dev.orrery.store.TaskDependencyRepository;
import dev.orrery.store.TaskFactsRepository;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.TaskQueueRepository;
import dev.orrery.store.TaskSubmission;
import io.vertx.core.Vertx;
import java.util.UUID;
import java.util.function.Supplier;

/** What single tasks come in by, put together. */
final class QueueParts {

    /** What a task takes beside its definition and its input. */
    private static final long TASK_BYTES = 300;

    /** A statement costs as much as some twenty tasks in it, so fewer wait for the one under way. */
    private static final int WORTHWHILE = 20;

    private QueueParts() {}

    static TaskQueue queue(
            Vertx vertx,
            Pools pools,
            LogRepository logs,
            Supplier<UUID> ids,
            DatabaseClock clock,
            Bus bus,
            QueueConfig config) {
        var limits = limits(config);
        var tasks = new SingleTaskRepository(vertx, pools.hot(), limits);
        var submissions = new Batcher<TaskSubmission, SubmissionResult>(
                "submissions of tasks",
                new Batcher.Limits(
                        200,
                        1 << 20,
                        2,
                        WORTHWHILE,
                        10_000,
                        MemoryBudget.submissions(Runtime.getRuntime().maxMemory())),
                QueueParts::weight,
                new TaskSubmissions(tasks, bus)::store,
                StoreFailures::isLasting);
        return new TaskQueue(
                new TaskQueue.Repositories(
                        new TaskQueueRepository(vertx, pools.api()),
                        new TaskDependencyRepository(vertx, pools.api()),
                        new TaskCountsRepository(vertx, pools.api()),
                        new TaskFactsRepository(vertx, pools.api()),
                        new TaskInstanceRepository(vertx, pools.api()),
                        logs),
                submissions,
                ids,
                clock::millis,
                limits.dependencies());
    }

    static TaskCalls calls(Vertx vertx, Pools pools, Bus bus, QueueConfig config) {
        return new TaskCalls(
                new TaskCallRepository(vertx, pools.api(), limits(config)),
                new SingleTaskRepository(vertx, pools.api(), limits(config)),
                bus);
    }

    static DeadLetterService deadLetters(
            Vertx vertx, Pools pools, Supplier<UUID> ids, Bus bus, DeadLettersConfig config) {
        return new DeadLetterService(
                new DeadLetterService.Repositories(
                        new DeadLetterRepository(vertx, pools.api()),
                        new LetterRedriveRepository(vertx, pools.api(), config.maxRedrives()),
                        new TaskInstanceRepository(vertx, pools.api())),
                ids,
                bus);
    }

    static AuditService audit(Vertx vertx, Pools pools) {
        return new AuditService(new AuditRepository(vertx, pools.api()));
    }

    static Limits limits(QueueConfig config) {
        return new Limits(config.maxDependencies(), config.maxDependencyDepth());
    }

    private static long weight(TaskSubmission submission) {
        return submission.tasks().stream().mapToLong(QueueParts::weight).sum();
    }

    private static long weight(NewTask task) {
        return TASK_BYTES
                + task.definition().text().length()
                + task.input().map(Json::text).map(String::length).orElse(0);
    }
}
