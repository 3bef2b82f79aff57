package dev.orrery.service.remote;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.LogEntry;
import dev.orrery.domain.task.Verdict;
import dev.orrery.service.AttemptSpans;
import dev.orrery.service.RequestKey;
import dev.orrery.service.TaskGifts;
import dev.orrery.store.Batcher;
import dev.orrery.store.Claim;
import dev.orrery.store.LogRepository;
import dev.orrery.store.RemoteWorkerRepository;
import dev.orrery.store.RemoteWorkerRepository.ClaimState;
import dev.orrery.store.RemoteWorkerRepository.Standing;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * What remote workers ask for and report. A worker that polls gets what is ready for its handlers, or waits for it; what the
 * database says it holds and it does not know of is told it again, so that a lost answer loses nothing. From any thread.
 */
public final class RemoteWork {

    /** How many may wait for work at one node. */
    public static final int POLLS_MAX = 1_000;

    /** Where a signal was lost, what is ready is found by this. */
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

    private static final Batcher.Limits BEATS = new Batcher.Limits(500, 1 << 20, 1, 20_000, 16 << 20);
    private static final int BEAT_BYTES = 100;

    private final Vertx vertx;
    private final RemoteWorkerRepository repository;
    private final WorkRepository work;
    private final Definitions definitions;
    private final Supplier<Instant> now;
    private final RandomGenerator random;
    private final AttemptSpans spans;
    private final Consumer<TaskAssignment> given;
    private final Batcher<NodeId, Optional<Standing>> beats;
    private final Batcher<LogRepository.Progress, Boolean> progress;
    private final RemoteSignals signals;
    private final Commits commits;
    private final Deliveries deliveries;
    private final PollLines<RemoteAssignment> lines;
    private final int logLimit;
    private final long lookTimer;

    /** What it reads and writes through. */
    public record Repositories(RemoteWorkerRepository workers, WorkRepository work, LogRepository logs) {}

    /**
     * @param definitions finds what a claimed task is
     * @param now the database's time
     * @param given is told of each task that a worker was given, once
     * @param logLimit how many bytes of an attempt's log are kept
     * @param resultBytes how many bytes of results may wait for the database
     */
    public RemoteWork(
            Vertx vertx,
            Repositories repositories,
            TaskGifts gifts,
            Definitions definitions,
            Bus bus,
            Supplier<Instant> now,
            RandomGenerator random,
            AttemptSpans spans,
            Consumer<TaskAssignment> given,
            int logLimit,
            long resultBytes) {
        this.vertx = vertx;
        this.repository = repositories.workers();
        this.work = repositories.work();
        this.definitions = definitions;
        this.now = now;
        this.random = random;
        this.spans = spans;
        this.given = given;
        this.logLimit = logLimit;
        this.beats = new Batcher<>(
                "heartbeats of remote workers", BEATS, _ -> BEAT_BYTES, repository::beat, StoreFailures::isLasting);
        this.progress = new Batcher<>(
                "progress of remote workers",
                BEATS,
                _ -> BEAT_BYTES,
                told -> repositories.logs().progress(told).map(_ -> Collections.nCopies(told.size(), true)),
                StoreFailures::isLasting);
        this.signals = new RemoteSignals(bus);
        this.commits = new Commits(work, signals, resultBytes);
        this.deliveries = new Deliveries(work, definitions, gifts, commits, signals);
        this.lines = new PollLines<>(vertx, POLLS_MAX, this::claim, work::readyQueues);
        this.lookTimer = vertx.setPeriodic(LOOK_EVERY.toMillis(), _ -> lines.look());
        bus.listen(Addresses.WORK_READY, ready -> lines.signal(ready.queues()));
    }

    /** Answers all who wait, and takes no more who would wait. */
    public void close() {
        vertx.cancelTimer(lookTimer);
        lines.close();
    }

    /** How many wait for work. */
    public int waiting() {
        return lines.size();
    }

    /** What a worker learns of the claims it told of: those that are asked to end, and those that are not its own any more. */
    public record Signs(List<RemoteClaim> cancel, List<RemoteClaim> lost) {}

    /** A worker lives, and knows of these claims. Fails with {@code WORKER_GONE} where it was given up. */
    public Future<Signs> heartbeat(RemoteWorker worker, Collection<RemoteClaim> known) {
        return stand(worker).map(standing -> signs(standing, known));
    }

    private Future<Standing> stand(RemoteWorker worker) {
        return beats.add(worker.member())
                .map(standing -> standing.orElseThrow(() -> new OrreryException(
                        ErrorCode.WORKER_GONE,
                        "the remote worker " + worker.id()
                                + " has signed off, or was silent for longer than its lease of "
                                + worker.lease().toMillis() + " ms; register anew")));
    }

    private static Signs signs(Standing standing, Collection<RemoteClaim> known) {
        var cancel = new ArrayList<RemoteClaim>();
        var lost = new ArrayList<RemoteClaim>();
        for (var claim : known) {
            if (!standing.open().contains(claim.held())) {
                lost.add(claim);
            } else if (standing.askedToEnd().contains(claim.task())) {
                cancel.add(claim);
            }
        }
        return new Signs(cancel, lost);
    }

    /** What a poll brought. */
    public record Polled(List<RemoteAssignment> assignments, Signs signs) {}

    /**
     * Waits until there is something to do for the worker, at most for this time.
     *
     * @param known the claims it knows that it has
     * @param limit how many more it takes
     * @param gone completes when nobody hears the answer
     */
    public Future<Polled> poll(
            RemoteWorker worker, Collection<RemoteClaim> known, int limit, Duration time, Future<Void> gone) {
        return stand(worker).compose(standing -> {
            var signs = signs(standing, known);
            return unknown(standing, known)
                    .map(tasks -> again(worker, tasks))
                    .orElseGet(() -> lines.wait(worker, limit, time, gone))
                    .map(assignments -> new Polled(assignments, signs));
        });
    }

    /** What the worker holds and does not know of: the answer that told it was lost. */
    private static Optional<Set<TaskInstanceId>> unknown(Standing standing, Collection<RemoteClaim> known) {
        Set<TaskInstanceId> unknown = new HashSet<>();
        standing.open().forEach(held -> unknown.add(held.id()));
        known.forEach(claim -> {
            if (standing.open().contains(claim.held())) {
                unknown.remove(claim.task());
            }
        });
        return Optional.of(unknown).filter(tasks -> !tasks.isEmpty());
    }

    private Future<List<RemoteAssignment>> again(RemoteWorker worker, Set<TaskInstanceId> tasks) {
        return repository.claims(worker.member(), tasks).compose(claims -> deliveries.deliver(worker.member(), claims));
    }

    private Future<List<RemoteAssignment>> claim(RemoteWorker worker, int limit, BooleanSupplier isGone) {
        return work.claim(worker.member(), worker.queues(), limit).compose(claims -> {
            if (claims.isEmpty()) {
                return Future.succeededFuture(List.of());
            }
            if (isGone.getAsBoolean()) {
                return deliveries.handBack(worker.member(), claims).map(List.of());
            }
            return deliveries
                    .deliver(worker.member(), claims)
                    .onSuccess(assignments -> assignments.forEach(each -> given.accept(each.task())));
        });
    }

    /** The task of this claim is done. {@code STALE_CLAIM} where the worker does not hold it; told again it is well. */
    public Future<Void> complete(RemoteWorker worker, RemoteClaim claim, Json output) {
        return open(worker, claim, "succeeded", (open, _) -> end(worker, open, claim, new Verdict.Succeed(output)));
    }

    /** It is to be done again after this time; where it was asked to end it is cancelled by that. */
    public Future<Void> snooze(RemoteWorker worker, RemoteClaim claim, Duration time) {
        return open(
                worker,
                claim,
                "snoozed",
                (open, isAsked) -> end(
                        worker,
                        open,
                        claim,
                        isAsked
                                ? new Verdict.Cancel()
                                : Verdict.ofSnooze(time, open.claim().attempt())));
    }

    /** It failed; where it was asked to end it is cancelled by that. */
    public Future<Void> fail(RemoteWorker worker, RemoteClaim claim, AttemptOutcome.Failed failure) {
        return open(
                worker,
                claim,
                "failed",
                (open, isAsked) ->
                        verdict(open.claim(), isAsked, failure).compose(verdict -> end(worker, open, claim, verdict)));
    }

    private Future<Verdict> verdict(Claim held, boolean isAsked, AttemptOutcome.Failed failure) {
        if (isAsked) {
            return Future.succeededFuture(new Verdict.Cancel());
        }
        return definitions
                .definition(held)
                .compose(task -> definitions
                        .total(held, task)
                        .map(total ->
                                Verdict.of(failure, held.attempt(), held.failures(), task.retry(), total, random)));
    }

    /** What is done with a claim that is open. */
    @FunctionalInterface
    private interface Ending {
        Future<Void> of(ClaimState.Open claim, boolean isAskedToEnd);
    }

    private Future<Void> open(RemoteWorker worker, RemoteClaim claim, String outcome, Ending ending) {
        return repository.claim(worker.member(), claim.held()).compose(state -> switch (state) {
            case ClaimState.Open held -> ending.of(held, held.isAskedToEnd());
            case ClaimState.Ended(var before) when before.equals(outcome) -> Future.succeededFuture();
            case ClaimState.Ended(var before) -> Future.failedFuture(stale(claim, "it has ended as " + before));
            case ClaimState.Stale() -> Future.failedFuture(stale(claim, "this worker does not hold it"));
        });
    }

    private Future<Void> end(RemoteWorker worker, ClaimState.Open open, RemoteClaim claim, Verdict verdict) {
        return commits.end(worker.member(), open.claim(), verdict)
                .compose(accepted -> accepted
                        ? ended(open, verdict)
                        : Future.failedFuture(stale(claim, "it was taken back, or another result came first")));
    }

    /** What the task was is read for its trace alone, and only where it has one. */
    private Future<Void> ended(ClaimState.Open open, Verdict verdict) {
        if (spans.isOn()) {
            var took = Duration.between(open.begunAt(), now.get());
            var end = spans.nowNanos();
            definitions.assignment(open.claim()).onSuccess(task -> spans.ended(task, verdict, end, took));
        }
        return Future.succeededFuture();
    }

    private static OrreryException stale(RemoteClaim claim, String why) {
        return new OrreryException(ErrorCode.STALE_CLAIM, "the claim " + claim + " is stale: " + why);
    }

    /** What a worker says of its work; {@code text} is kept as it is, an entry gets the time of now. */
    public sealed interface Said {

        record Line(String text) implements Said {}

        record Entry(dev.orrery.domain.task.LogLevel level, String message, Optional<Json> data) implements Said {}
    }

    /** Adds to the log of an attempt; false where nothing was added since it is as long as it may be. */
    public Future<Boolean> log(RemoteWorker worker, RemoteClaim claim, List<Said> said, Optional<RequestKey> key) {
        var at = now.get();
        var text = new StringBuilder();
        for (var each : said) {
            text.append(
                            switch (each) {
                                case Said.Line(var line) -> line;
                                case Said.Entry(var level, var message, var data) ->
                                    new LogEntry(at, level, message, data).text();
                            })
                    .append('\n');
        }
        var notice = "… the log is longer than the " + logLimit + " bytes that are kept\n";
        return repository
                .appendLog(
                        worker.tenant(),
                        worker.member(),
                        claim.held(),
                        Buffer.buffer(text.toString().getBytes(UTF_8)),
                        Buffer.buffer(notice.getBytes(UTF_8)),
                        logLimit,
                        key.map(RemoteWorkers::storeKey))
                .map(appended -> switch (appended) {
                    case ADDED -> true;
                    case FULL -> false;
                    case STALE -> throw stale(claim, "this worker does not hold it");
                    case KEY_TAKEN ->
                        throw new OrreryException(
                                ErrorCode.CONFLICT, "this Idempotency-Key was used for another request");
                });
    }

    /** How far the task of this claim has come, in percent. */
    public Future<Void> progress(RemoteWorker worker, RemoteClaim claim, int percent) {
        return repository.claim(worker.member(), claim.held()).compose(state -> switch (state) {
            case ClaimState.Open open ->
                progress.add(new LogRepository.Progress(
                                open.claim().id(), open.claim().attempt(), percent))
                        .mapEmpty();
            case ClaimState.Ended _, ClaimState.Stale _ ->
                Future.failedFuture(stale(claim, "this worker does not hold it"));
        });
    }

    /** The worker signs off: what it holds is given back, and it can do nothing more. Told again it is well. */
    public Future<Void> leave(RemoteWorker worker, ChangeRequest request) {
        return repository
                .by(request)
                .leave(worker.tenant(), worker.member())
                .compose(_ -> work.openClaims(worker.member()))
                .compose(open -> open.isEmpty() ? Future.succeededFuture(List.<String>of()) : handBack(worker, open))
                .onSuccess(queues -> {
                    signals.historyGrew();
                    signals.workReady(queues);
                })
                .mapEmpty();
    }

    private Future<List<String>> handBack(RemoteWorker worker, List<Held> open) {
        return work.handBack(worker.member(), open);
    }
}
