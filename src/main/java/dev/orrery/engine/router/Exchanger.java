package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.ReportBuffer.Entry;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Exchange;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/**
 * Exchanges with the database: each one commits a batch of reports and claims what the node has appetite for. A batch
 * whose fate is unknown is told again; one that the database refuses is halved until the culprit is alone.
 */
final class Exchanger {

    /** How many exchanges may be under way. */
    static final int IN_FLIGHT = 2;

    private static final System.Logger LOG = System.getLogger(Exchanger.class.getName());
    private static final Duration STARTS_MAY_WAIT = Duration.ofMillis(10);
    private static final Duration LOCKS_MAY_WAIT = Duration.ofMillis(5);

    private final NodeId node;
    private final WorkRepository work;
    private final ReportBuffer reports;
    private final HeldClaims held;
    private final AwaitedStarts awaitedStarts;
    private final Appetite appetite;
    private final Helpers helpers;
    private final Signals signals;
    private final RouterMeters meters;
    private final Loop loop;
    private int underWay;
    private long answered;
    private long claimed;
    private boolean startsTimerSet;
    private boolean startsHaveWaited;

    /** Who is told of what an exchange brought. */
    record Helpers(
            Assigner assigner, RetryAlarm retries, Reconciler reconciler, Pause pause, Generations generations) {}

    Exchanger(
            NodeId node,
            WorkRepository work,
            Memory memory,
            Helpers helpers,
            Signals signals,
            RouterMeters meters,
            Loop loop) {
        this.node = node;
        this.work = work;
        this.reports = memory.reports();
        this.held = memory.held();
        this.awaitedStarts = memory.awaitedStarts();
        this.appetite = memory.appetite();
        this.helpers = helpers;
        this.signals = signals;
        this.meters = meters;
        this.loop = loop;
    }

    boolean isIdle() {
        return underWay == 0;
    }

    /** How many exchanges have succeeded so far. */
    long answered() {
        return answered;
    }

    /** How many tasks they have brought. */
    long claimed() {
        return claimed;
    }

    void sendWhatIsDue() {
        while (underWay < IN_FLIGHT && !helpers.pause().isOn() && isDue()) {
            send();
        }
    }

    private boolean isDue() {
        if (reports.cannotWait() || appetite.sizeIfAwake() > 0) {
            return true;
        }
        if (reports.isEmpty()) {
            return false;
        }
        if (!startsHaveWaited && !startsTimerSet) {
            // A start alone may wait a moment: most tasks are over by then, and one row tells both.
            startsTimerSet = true;
            loop.later(STARTS_MAY_WAIT, () -> {
                startsTimerSet = false;
                startsHaveWaited = true;
                loop.turn();
            });
        }
        return startsHaveWaited;
    }

    private void send() {
        startsHaveWaited = false;
        // Part of a refused batch goes without a claim, so that a refusal is the reports' own.
        var isPart = reports.hasParts();
        var batch = reports.take();
        var mayRelease = batch.stream().anyMatch(entry -> entry.followers() > 0);
        var limit = isPart ? 0 : mayRelease ? appetite.size() : appetite.sizeIfAwake();
        appetite.ask(limit);
        underWay++;
        var began = System.nanoTime();
        commitAndClaim(batch, limit, began).onComplete(answer -> {
            underWay--;
            reports.returned(batch);
            meters.exchanged(Duration.ofNanos(System.nanoTime() - began), batch.size());
            if (answer.succeeded()) {
                helpers.pause().succeeded();
                exchanged(batch, limit, answer.result());
            } else {
                meters.exchangeFailed();
                appetite.unanswered(limit);
                failed(batch, limit, answer.cause());
            }
            loop.turn();
        });
    }

    private Future<Exchange> commitAndClaim(List<Entry> batch, int limit, long now) {
        try {
            var reports = batch.stream().map(entry -> entry.report(now)).toList();
            return work.commitAndClaim(node, reports, appetite.queues(), limit);
        } catch (RuntimeException bug) {
            // Thrown or returned: the batch must not be lost.
            return Future.failedFuture(bug);
        }
    }

    private void exchanged(List<Entry> batch, int limit, Exchange exchange) {
        var claims = exchange.claims();
        answered++;
        claimed += claims.size();
        appetite.answered(limit, claims.size(), System.nanoTime());
        batch.forEach(awaitedStarts::answered);
        batch.stream()
                .filter(entry -> entry.verdict().isPresent())
                .forEach(entry -> committed(entry, exchange.accepted().contains(entry.id())));
        if (!batch.isEmpty()) {
            signals.historyGrew();
        }
        meters.claimed(claims.size());
        if (exchange.hasMore()) {
            // Whoever was at the same locks is gone in a moment.
            loop.later(LOCKS_MAY_WAIT, () -> {
                appetite.wake();
                loop.turn();
            });
        }
        var ready = exchange.readyQueues();
        if (!ready.isEmpty() && (claims.size() == limit || !appetite.serves(ready))) {
            // This node has its fill, or leaves some of it to others: let them look.
            signals.workReady(ready);
        }
        if (!claims.isEmpty()) {
            helpers.assigner().assign(claims);
            helpers.generations().claimed(claims.size());
        }
    }

    private void committed(Entry entry, boolean accepted) {
        held.forget(entry.claim());
        if (!accepted) {
            meters.resultRefused(entry.id());
            LOG.log(WARNING, "result refused, the claim is gone: task={0} fence={1}", entry.id(), entry.fence());
        } else {
            entry.verdict().ifPresent(verdict -> meters.committed(entry.id(), verdict));
            entry.verdict().flatMap(Verdict::againAfter).ifPresent(helpers.retries()::dueIn);
        }
    }

    private void failed(List<Entry> batch, int limit, Throwable error) {
        if (batch.isEmpty() || !StoreFailures.isLasting(error)) {
            LOG.log(WARNING, "exchange with the database failed, will be told again: reports=" + batch.size(), error);
            reports.putBack(batch);
            // Whether it was committed is unknown: claims may be ours that we never heard of.
            helpers.reconciler().expectDifference();
            helpers.pause().begin();
        } else if (batch.size() > 1 || limit > 0) {
            LOG.log(WARNING, "a batch was refused, parting it: reports=" + batch.size(), error);
            reports.part(batch);
        } else {
            refused(batch.getFirst(), error);
        }
    }

    private void refused(Entry culprit, Throwable error) {
        if (culprit.verdict().isEmpty()) {
            LOG.log(WARNING, "the database refuses the start, its result will tell it: task=" + culprit.id(), error);
            awaitedStarts.answered(culprit);
        } else if (culprit.isSubstitute()) {
            LOG.log(ERROR, "the database refuses any result, will be told again: task=" + culprit.id(), error);
            reports.putBack(List.of(culprit));
            helpers.pause().begin();
        } else {
            var id = UUID.randomUUID();
            LOG.log(ERROR, "the database refuses the result of task=" + culprit.id() + " error_id=" + id, error);
            reports.end(culprit.failedInstead(
                    "INTERNAL_ERROR: the result could not be stored, see " + id + " in the log of node " + node));
        }
    }
}
