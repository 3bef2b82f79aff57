package dev.orrery.node;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.config.QueueConfig;
import dev.orrery.config.RetentionConfig;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.engine.scheduler.Chore;
import dev.orrery.engine.scheduler.Chore.Bite.OfEach;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeader;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeaderWhenDue;
import dev.orrery.executor.RunFolderSweep;
import dev.orrery.executor.RunFolders;
import dev.orrery.service.EndedExecutions;
import dev.orrery.service.JobFiring;
import dev.orrery.service.OldTasks;
import dev.orrery.service.OverdueWaits;
import dev.orrery.service.TaskCalls;
import dev.orrery.service.TenantService;
import dev.orrery.store.AuditRepository;
import dev.orrery.store.DagRepository;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.Endings;
import dev.orrery.store.ExecutionRepository;
import dev.orrery.store.IdempotencyRepository;
import dev.orrery.store.LetterRedriveRepository;
import dev.orrery.store.OverdueWaitRepository;
import dev.orrery.store.QueueRepository;
import dev.orrery.store.ScheduledJobRepository;
import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.TaskCallRepository;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What is to be done from time to time. */
final class NodeChores {

    private static final int CHORE_BITE = 10_000;

    private static final int REDRIVES_BITE = 1_000;

    /** Requests for many dead letters can be looked at for so long after their end. */
    private static final Duration REDRIVES_KEPT = Duration.ofDays(31);

    private NodeChores() {}

    /** Those of all nodes, whatever else they do; {@code pool}: for statements that nobody waits for. */
    static List<Chore> of(
            Vertx vertx,
            Pool pool,
            Bus bus,
            JobFiring firing,
            TenantService tenants,
            RetentionConfig retention,
            QueueConfig queue,
            RunFolders folders,
            Endings endings,
            RouterMeters meters) {
        var keys = new IdempotencyRepository(vertx, pool);
        var dags = new DagRepository(vertx, pool);
        var runs = new DagRunRepository(vertx, pool);
        var jobs = new ScheduledJobRepository(vertx, pool);
        var limits = QueueParts.limits(queue);
        var tasks = new SingleTaskRepository(vertx, pool, limits);
        var calls = new TaskCalls(new TaskCallRepository(vertx, pool, limits), tasks, bus);
        var oldTasks = new OldTasks(tasks, retention.tasks());
        var queues = new QueueRepository(vertx, pool);
        var redrives = new LetterRedriveRepository(vertx, pool, 1);
        var audit = new AuditRepository(vertx, pool);
        var waits = new OverdueWaits(new OverdueWaitRepository(vertx, pool), endings, meters::committed, bus);
        var ended = new EndedExecutions(new ExecutionRepository(vertx, pool), bus);
        return List.of(
                new Chore(
                        "due jobs",
                        Duration.ofSeconds(1),
                        new OfLeaderWhenDue(firing::fire),
                        Optional.of(Addresses.JOBS_CHANGED)),
                new Chore(
                        "settings of the queue",
                        Duration.ofSeconds(10),
                        new OfLeader(epoch -> tasks.setSourceWeights(queue.weights(), epoch)
                                .compose(_ -> tasks.tellLimits(epoch))
                                .map(false))),
                new Chore("long cascades", Duration.ofSeconds(1), new OfLeader(_ -> calls.continueCascades())),
                new Chore("overdue waits", Duration.ofSeconds(1), new OfLeader(_ -> waits.bite())),
                new Chore("ended executions", Duration.ofSeconds(1), new OfLeader(ended::note)),
                new Chore(
                        "deleted jobs",
                        Duration.ofSeconds(2),
                        new OfLeader(epoch -> jobs.purgeHidden(CHORE_BITE, epoch))),
                new Chore("hidden DAGs", Duration.ofSeconds(2), new OfLeader(_ -> dags.purgeHidden(CHORE_BITE))),
                new Chore(
                        "deleted tenants",
                        Duration.ofSeconds(2),
                        new OfLeader(tenants::purgeDeleted),
                        Optional.of(Addresses.TENANTS_CHANGED)),
                new Chore(
                        "old idempotency keys",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> keys.purgeOld(CHORE_BITE, epoch).map(count -> count == CHORE_BITE))),
                new Chore(
                        "idle concurrency keys",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> queues.purgeIdleKeys(CHORE_BITE, epoch))),
                new Chore(
                        "old runs",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> retention.deletesRuns()
                                ? runs.purgeOld(retention.runs(), CHORE_BITE, epoch)
                                : Future.succeededFuture(false))),
                new Chore(
                        "old redrives",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> redrives.purgeOld(REDRIVES_KEPT, REDRIVES_BITE, epoch))),
                new Chore(
                        "old audit entries",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> retention.audit().isPositive()
                                ? audit.purgeOld(retention.audit(), CHORE_BITE, epoch)
                                : Future.succeededFuture(false))),
                new Chore(
                        "old single tasks",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> retention.tasks().isPositive()
                                ? oldTasks.purge(epoch)
                                : Future.succeededFuture(false))),
                new Chore(
                        "folders of deleted runs",
                        Duration.ofMinutes(1),
                        new OfEach(new RunFolderSweep(vertx, folders, runs::existing, CHORE_BITE)::bite)));
    }
}
