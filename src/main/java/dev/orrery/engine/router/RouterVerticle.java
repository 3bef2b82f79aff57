package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Assign;
import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.Drain;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.Report;
import dev.orrery.bus.BusMessage.StopAttempt;
import dev.orrery.bus.BusMessage.StopReason;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.ReportBuffer.Entry;
import dev.orrery.store.Claim;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Exchange;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;

/**
 * Claims for this node's workers, gives each claim to the least loaded one, and commits what they report. See the
 * package for how. All fields are touched by this verticle's event loop alone. Stopping is draining.
 */
public final class RouterVerticle extends VerticleBase {

    /** How many exchanges with the database may be under way. */
    public static final int EXCHANGES_IN_FLIGHT = 2;

    private static final System.Logger LOG = System.getLogger(RouterVerticle.class.getName());
    private static final Duration RECONCILE_EVERY = Duration.ofSeconds(10);
    private static final Duration STARTS_MAY_WAIT = Duration.ofMillis(10);
    private static final Duration WORKER_ANSWERS = Duration.ofSeconds(5);
    private static final Duration RETRY_MIN = Duration.ofMillis(100);
    private static final Duration RETRY_MAX = Duration.ofSeconds(2);
    private static final int WAKE_LIMIT = 500;

    private final NodeId node;
    private final RouterSettings settings;
    private final WorkRepository work;
    private final IntFunction<Future<PublishedDag>> versions;
    private final Bus bus;
    private final RouterMeters meters;
    private final RandomGenerator random;

    private final HeldClaims held;
    /** Claims whose DAG version is being read, so that no worker has them yet. */
    private final Set<Held> arriving = new HashSet<>();

    private final ReportBuffer reports;
    private final EndRate endRate = new EndRate(System.nanoTime());
    private List<String> queues = List.of();

    private int exchanges;
    private int claimsAsked;
    private boolean moreMayBeReady;
    private boolean reconcileDue = true;
    private boolean reconciling;
    private boolean waking;
    private boolean startsTimerSet;
    private long reconciledAt;
    private int failuresInRow;
    private boolean backingOff;
    private boolean draining;
    private final Promise<Void> drained = Promise.promise();

    /** {@code versions}: finds a DAG version by its row; at once where it is cached. */
    public RouterVerticle(
            NodeId node,
            List<WorkerId> workers,
            RouterSettings settings,
            WorkRepository work,
            IntFunction<Future<PublishedDag>> versions,
            Bus bus,
            RouterMeters meters,
            RandomGenerator random) {
        this.node = node;
        this.settings = settings;
        this.work = work;
        this.versions = versions;
        this.bus = bus;
        this.meters = meters;
        this.random = random;
        this.held = new HeldClaims(workers, settings.concurrency() + settings.queueCapacity());
        this.reports = new ReportBuffer(settings.batchSize());
    }

    @Override
    public Future<?> start() {
        bus.answer(Addresses.report(node), this::reported);
        bus.listen(Addresses.WORK_READY, _ -> workIsReady());
        bus.listen(Addresses.RETRY_DUE, due -> wakeIn(Duration.ofMillis(due.inMillis())));
        bus.listen(Addresses.CANCELS_ASKED, _ -> readCancels());
        return work.queues().onSuccess(this::serve).onSuccess(_ -> poll());
    }

    // Signals only make it look sooner: each of these would be done by the next poll anyway.

    private void poll() {
        if (draining) {
            return;
        }
        moreMayBeReady = true;
        work.queues().onSuccess(this::serve).onFailure(error -> LOG.log(DEBUG, "cannot list queues", error));
        wakeDue();
        readCancels();
        if (System.nanoTime() - reconciledAt > RECONCILE_EVERY.toNanos()) {
            reconcileDue = true;
        }
        exchange();
        var jitter = random.nextDouble(0.8, 1.2);
        vertx.setTimer(Math.max(1, Math.round(settings.poll().toMillis() * jitter)), _ -> poll());
    }

    private void serve(List<String> all) {
        var served = settings.queues().isEmpty() ? all : settings.queues();
        if (!served.equals(queues)) {
            queues = served;
            workIsReady();
        }
    }

    private void workIsReady() {
        moreMayBeReady = true;
        exchange();
    }

    private Future<Done> reported(Report report) {
        for (var start : report.started()) {
            // One that comes late, after its result, has nothing to add.
            if (held.isUnfinished(start.assignment())) {
                reports.start(entry(
                        start.assignment(),
                        report.worker(),
                        Optional.empty(),
                        OptionalLong.of(start.startedNanos()),
                        0));
            }
        }
        var now = System.nanoTime();
        for (var end : report.ended()) {
            if (held.finished(end.assignment())) {
                reports.end(ended(end, report.worker()));
                end.startedNanos()
                        .ifPresent(began -> meters.attemptEnded(end.outcome(), Duration.ofNanos(now - began)));
            }
        }
        endRate.ended(report.ended().size(), now);
        exchange();
        return Future.succeededFuture(new Done());
    }

    private Entry ended(AttemptEnded end, WorkerId worker) {
        var assignment = end.assignment();
        var verdict = Verdict.of(
                end.outcome(),
                assignment.failures(),
                assignment.taskDefinition().retry(),
                random);
        // The version was read when the task was assigned, so it is at hand; if not, the bound is only coarser.
        var dag = versions.apply(assignment.versionId());
        var followers = dag.succeeded() ? followers(verdict, assignment, dag.result()) : 0;
        return entry(assignment, worker, Optional.of(verdict), end.startedNanos(), followers);
    }

    /** How many other tasks the verdict may change. */
    private static int followers(Verdict verdict, TaskAssignment assignment, PublishedDag dag) {
        return switch (verdict) {
            case Verdict.Succeed _ -> dag.followers(assignment.instanceId().taskNumber());
            case Verdict.Retry _ -> 0;
            case Verdict.Fail _, Verdict.TimeOut _, Verdict.Cancel _ -> dag.taskCount();
        };
    }

    private static Entry entry(
            TaskAssignment assignment,
            WorkerId worker,
            Optional<Verdict> verdict,
            OptionalLong startedNanos,
            int followers) {
        return new Entry(
                assignment.instanceId(),
                assignment.versionId(),
                assignment.attempt(),
                assignment.fence(),
                worker.workerNumber(),
                verdict,
                startedNanos,
                followers);
    }

    // Exchanges: commit and claim.

    private void exchange() {
        if (reconciling || backingOff) {
            return;
        }
        if (reconcileDue && exchanges == 0) {
            reconcile();
            return;
        }
        while (!reconcileDue && exchanges < EXCHANGES_IN_FLIGHT && isExchangeDue()) {
            exchangeOnce();
        }
        settleIfDrained();
    }

    private boolean isExchangeDue() {
        if (reports.hasEnds() || (moreMayBeReady && claimable() > 0)) {
            return true;
        }
        if (!reports.isEmpty() && !startsTimerSet) {
            // A start alone may wait a moment: most tasks are over by then, and one row tells both.
            startsTimerSet = true;
            vertx.setTimer(STARTS_MAY_WAIT.toMillis(), _ -> {
                startsTimerSet = false;
                if (!reports.isEmpty() && !backingOff && !reconciling && exchanges < EXCHANGES_IN_FLIGHT) {
                    exchangeOnce();
                }
            });
        }
        return false;
    }

    private void exchangeOnce() {
        var batch = reports.take();
        var mayRelease = batch.stream().anyMatch(entry -> entry.followers() > 0);
        var limit = moreMayBeReady || mayRelease ? claimable() : 0;
        if (limit > 0) {
            moreMayBeReady = false;
        }
        exchanges++;
        claimsAsked += limit;
        var began = System.nanoTime();
        var now = began;
        work.commitAndClaim(node, batch.stream().map(entry -> entry.report(now)).toList(), queues, limit)
                .onComplete(answer -> {
                    exchanges--;
                    claimsAsked -= limit;
                    meters.exchanged(Duration.ofNanos(System.nanoTime() - began), batch.size());
                    if (answer.succeeded()) {
                        failuresInRow = 0;
                        exchanged(batch, limit, answer.result());
                    } else {
                        exchangeFailed(batch, answer.cause());
                    }
                    exchange();
                });
    }

    /** The free slots and what will start within the lead time, but never more than the queues have room for. */
    private int claimable() {
        if (draining || queues.isEmpty()) {
            return 0;
        }
        var slots = held.workers().size() * settings.concurrency();
        var soon = endRate.expectedWithin(settings.leadTime(), System.nanoTime());
        var taken = claimsAsked + arriving.size();
        var wanted = Math.min((long) slots + soon - held.unfinished(), held.room()) - taken;
        return (int) Math.max(0, Math.min(wanted, settings.batchSize()));
    }

    private void exchanged(List<Entry> batch, int limit, Exchange exchange) {
        for (var entry : batch) {
            var accepted = exchange.accepted().contains(entry.id());
            if (entry.verdict().isPresent()) {
                held.forget(entry.id(), entry.fence());
                if (!accepted) {
                    meters.resultRefused();
                    LOG.log(
                            WARNING,
                            "result refused, the claim is gone: task={0} fence={1}",
                            entry.id(),
                            entry.fence());
                }
            }
        }
        if (!batch.isEmpty()) {
            bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
            announceRetries(batch);
        }
        meters.claimed(exchange.claims().size());
        if (limit > 0 && exchange.claims().size() == limit) {
            moreMayBeReady = true;
        }
        if (!exchange.readyQueues().isEmpty() && exchange.claims().size() == limit) {
            // This node has its fill: let the others look.
            bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(exchange.readyQueues())));
        }
        if (!exchange.claims().isEmpty()) {
            assign(exchange.claims());
        }
    }

    private void announceRetries(List<Entry> batch) {
        for (var entry : batch) {
            if (entry.verdict().isPresent() && entry.verdict().get() instanceof Verdict.Retry retry) {
                wakeIn(retry.delay());
            }
        }
    }

    private void exchangeFailed(List<Entry> batch, Throwable error) {
        // Whether it was committed is unknown: claims may be ours that we never heard of.
        reconcileDue = true;
        if (!StoreFailures.isLasting(error) || batch.isEmpty()) {
            LOG.log(WARNING, "exchange with the database failed, will be told again: reports=" + batch.size(), error);
            reports.putBack(batch);
            backOff();
            return;
        }
        if (batch.size() > 1) {
            LOG.log(WARNING, "a batch was refused, halving it: reports=" + batch.size(), error);
            commitAlone(batch.subList(0, batch.size() / 2));
            commitAlone(batch.subList(batch.size() / 2, batch.size()));
            return;
        }
        var culprit = batch.getFirst();
        var id = UUID.randomUUID();
        LOG.log(ERROR, "the database refuses the result of task=" + culprit.id() + " error_id=" + id, error);
        reports.end(culprit.with(new Verdict.Fail(
                "INTERNAL_ERROR: the result could not be stored, see " + id + " in the log of node " + node)));
    }

    /** Commits half of a refused batch, without a claim. */
    private void commitAlone(List<Entry> half) {
        exchanges++;
        var now = System.nanoTime();
        work.commitAndClaim(node, half.stream().map(entry -> entry.report(now)).toList(), queues, 0)
                .onComplete(answer -> {
                    exchanges--;
                    if (answer.succeeded()) {
                        exchanged(half, 0, answer.result());
                    } else {
                        exchangeFailed(half, answer.cause());
                    }
                    exchange();
                });
    }

    private void backOff() {
        if (backingOff) {
            return;
        }
        backingOff = true;
        failuresInRow = Math.min(failuresInRow + 1, 10);
        var delay = Math.min(RETRY_MAX.toMillis(), RETRY_MIN.toMillis() << (failuresInRow - 1));
        vertx.setTimer(Math.max(1, Math.round(delay * random.nextDouble(0.5, 1.0))), _ -> {
            backingOff = false;
            exchange();
        });
    }

    // Assigning.

    private void assign(List<Claim> claims) {
        var unknown = new LinkedHashMap<Integer, List<Claim>>();
        var assignments = new ArrayList<TaskAssignment>(claims.size());
        for (var claim : claims) {
            var dag = versions.apply(claim.versionId());
            if (dag.succeeded()) {
                assignments.add(assignment(claim, dag.result()));
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
        arriving.addAll(waiting);
        versions.apply(version).onComplete(dag -> {
            waiting.forEach(arriving::remove);
            if (dag.succeeded()) {
                give(claims.stream()
                        .map(claim -> assignment(claim, dag.result()))
                        .toList());
            } else {
                LOG.log(WARNING, "cannot read DAG version " + version + ", its tasks are handed back", dag.cause());
                reconcileDue = true;
            }
            exchange();
        });
    }

    private static TaskAssignment assignment(Claim claim, PublishedDag dag) {
        return new TaskAssignment(
                claim.id(),
                dag.definition().id(),
                dag.definition().name(),
                claim.versionId(),
                dag.definition().task(claim.id().taskNumber()),
                claim.attempt(),
                claim.failures(),
                claim.fence());
    }

    private void give(List<TaskAssignment> assignments) {
        if (draining && !assignments.isEmpty()) {
            reconcileDue = true;
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
                    share.forEach(this::drop);
                    reconcileDue = true;
                    exchange();
                }));
    }

    /** Holds it no longer. The worker may have taken it though its answer did not come: it is told to stop. */
    private void drop(TaskAssignment assignment) {
        stop(new Held(assignment.instanceId(), assignment.fence()), StopReason.CLAIM_LOST);
        held.finished(assignment);
        held.forget(assignment.instanceId(), assignment.fence());
    }

    // Cancels, retries, reconciling.

    private void readCancels() {
        work.cancelRequests(node)
                .onSuccess(asked -> asked.forEach(claim -> stop(claim, StopReason.CANCELLED)))
                .onFailure(error -> LOG.log(DEBUG, "cannot read cancel requests", error));
    }

    private void stop(Held claim, StopReason reason) {
        held.workerOf(claim)
                .ifPresent(
                        worker -> bus.send(Addresses.stop(worker), new StopAttempt(claim.id(), claim.fence(), reason)));
    }

    private void wakeIn(Duration delay) {
        if (!draining && delay.compareTo(settings.poll()) < 0) {
            vertx.setTimer(Math.max(1, delay.toMillis()), _ -> wakeDue());
        }
    }

    private void wakeDue() {
        if (waking || draining) {
            return;
        }
        waking = true;
        work.wakeDue(WAKE_LIMIT).onComplete(answer -> {
            waking = false;
            if (answer.failed()) {
                LOG.log(DEBUG, "cannot wake retries", answer.cause());
                return;
            }
            var woken = answer.result();
            if (woken.count() > 0) {
                bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
                bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(woken.readyQueues())));
            }
            woken.nextDue().ifPresent(this::wakeIn);
        });
    }

    /** No exchange is under way, so what the database holds for this node is what memory should hold. */
    private void reconcile() {
        reconciling = true;
        work.openClaims(node)
                .compose(open -> {
                    var known = new HashSet<>(open);
                    held.all().stream()
                            .filter(claim -> !known.contains(claim))
                            .forEach(claim -> stop(claim, StopReason.CLAIM_LOST));
                    var strange = open.stream()
                            .filter(claim -> !held.holds(claim) && !arriving.contains(claim))
                            .toList();
                    if (!strange.isEmpty()) {
                        LOG.log(
                                WARNING,
                                "handing back claims that this node does not know: claims={0}",
                                strange.size());
                    }
                    return work.handBack(node, strange).onSuccess(_ -> moreMayBeReady |= !strange.isEmpty());
                })
                .onComplete(answer -> {
                    reconciling = false;
                    if (answer.succeeded()) {
                        reconcileDue = false;
                        reconciledAt = System.nanoTime();
                    } else {
                        LOG.log(WARNING, "cannot compare claims with the database", answer.cause());
                        backOff();
                    }
                    exchange();
                });
    }

    // Draining.

    @Override
    public Future<?> stop() {
        draining = true;
        return drainWorkers(false).compose(_ -> {
            vertx.setTimer(
                    Math.max(1, settings.drainTimeout().toMillis()),
                    _ -> drainWorkers(true).onComplete(_ -> exchange()));
            exchange();
            return drained.future();
        });
    }

    private Future<Void> drainWorkers(boolean stopRunning) {
        var limit = stopRunning ? settings.drainTimeout().plus(Duration.ofMinutes(1)) : WORKER_ANSWERS;
        var answers = held.workers().stream()
                .map(worker -> bus.request(Addresses.drain(worker), new Drain(stopRunning), limit)
                        .compose(answer -> handBack(answer.unfinished())))
                .toList();
        return Future.join(answers)
                .onFailure(error -> LOG.log(WARNING, "a worker did not drain", error))
                .otherwiseEmpty()
                .mapEmpty();
    }

    private Future<Void> handBack(List<TaskAssignment> unfinished) {
        var claims = unfinished.stream()
                .map(assignment -> new Held(assignment.instanceId(), assignment.fence()))
                .toList();
        return work.handBack(node, claims)
                .onComplete(_ -> unfinished.forEach(assignment -> {
                    held.finished(assignment);
                    held.forget(assignment.instanceId(), assignment.fence());
                }))
                .mapEmpty();
    }

    private void settleIfDrained() {
        var isIdle = exchanges == 0 && !reconciling && !reconcileDue;
        if (draining && isIdle && held.isEmpty() && arriving.isEmpty() && reports.isEmpty()) {
            drained.tryComplete();
        }
    }
}
