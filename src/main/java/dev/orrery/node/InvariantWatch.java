package dev.orrery.node;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.coordination.Leadership;
import dev.orrery.engine.scheduler.Chore;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeader;
import dev.orrery.store.CheckResult;
import dev.orrery.store.InvariantRepository;
import dev.orrery.store.Pools;
import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Metrics.GaugeGroup;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Looks again and again, while this node leads, whether what must hold of the database at any moment does: one check after the other,
 * so that all have been made once in a round and none comes close upon another. Each is made of a bounded part of what there is, see
 * {@link InvariantWalk}. What does not hold is shown and told in the log.
 */
final class InvariantWatch {

    private static final Duration ROUND = Duration.ofMinutes(1);
    private static final int MISSES_TOLD = 2;

    private static final System.Logger LOG = System.getLogger(InvariantWatch.class.getName());
    private static final List<String> CHECKS = InvariantRepository.checks();

    private final InvariantRepository repository;
    private final GaugeGroup gauges;

    // Guarded by the monitor.
    private final Map<List<String>, Integer> broken = new LinkedHashMap<>();
    private final Map<String, Integer> misses = new HashMap<>();
    private final Map<String, InvariantWalk> walks = new HashMap<>();
    private int next;

    private InvariantWatch(InvariantRepository repository, GaugeGroup gauges) {
        this.repository = repository;
        this.gauges = gauges;
    }

    static Chore chore(Vertx vertx, Pools pools, Metrics metrics, Leadership leadership) {
        return chore(
                new InvariantRepository(vertx, pools.api()),
                metrics,
                () -> leadership.epoch().isPresent(),
                ROUND);
    }

    /** The chore of the leader; {@code leads}: whether this node is it. */
    static Chore chore(InvariantRepository repository, Metrics metrics, BooleanSupplier leads, Duration round) {
        var watch = new InvariantWatch(repository, metrics.gauges(Metric.INVARIANTS_BROKEN));
        metrics.beforeScrape(() -> {
            if (!leads.getAsBoolean()) {
                watch.forget();
            }
            return Future.succeededFuture();
        });
        return new Chore("invariants", round.dividedBy(CHECKS.size()), new OfLeader(_ -> watch.look()));
    }

    /** Another node leads, and knows better. */
    private synchronized void forget() {
        walks.clear();
        if (!broken.isEmpty()) {
            broken.clear();
            gauges.show(broken);
        }
    }

    private synchronized String turn() {
        var check = CHECKS.get(next);
        next = (next + 1) % CHECKS.size();
        return check;
    }

    private Future<Boolean> look() {
        var check = turn();
        var walk = walk(check);
        return look(check, walk)
                .onSuccess(this::tell)
                .onFailure(error -> {
                    walk.hasFailed();
                    miss(check, error);
                })
                .otherwiseEmpty()
                .map(false);
    }

    private synchronized InvariantWalk walk(String check) {
        return walks.computeIfAbsent(check, _ -> new InvariantWalk());
    }

    private Future<Found> look(String check, InvariantWalk walk) {
        return repository
                .look(check, Optional.empty(), walk.rows())
                .compose(newest -> walk.olderThan(newest)
                        .map(upto -> repository
                                .look(check, Optional.of(upto), walk.rows())
                                .map(older -> new Found(walk.hasSeen(newest, older), newest.result(), older.result())))
                        .orElseGet(() -> Future.succeededFuture(
                                new Found(walk.hasSeenAll(newest), newest.result(), newest.result()))));
    }

    /** How much is broken, and what was seen just now. */
    private record Found(int count, CheckResult newest, CheckResult older) {

        /** That with examples, if there is one. */
        CheckResult result() {
            return newest.count() > 0 ? newest : older;
        }
    }

    /** Shows nothing rather than what may no longer be so. That is told at the second time: a database may be away for a while. */
    private void miss(String check, Throwable error) {
        show(check, null);
        if (countMiss(check) == MISSES_TOLD) {
            LOG.log(
                    WARNING,
                    "event=invariant_unseen check=" + check
                            + ": it cannot be looked at, so its metric is not shown; 'orrery doctor'"
                            + " takes its time for it",
                    error);
        }
    }

    private synchronized int countMiss(String check) {
        return misses.merge(check, 1, Integer::sum);
    }

    private void tell(Found found) {
        var result = found.result();
        var before = show(result.check(), found.count());
        if (found.count() > 0 && before == 0) {
            LOG.log(
                    ERROR,
                    "event=invariant_broken check=" + result.check() + " count=" + found.count() + " examples="
                            + result.examples() + ": what should hold: " + result.meaning() + "; cure: "
                            + result.cure());
        } else if (found.count() == 0 && before > 0) {
            LOG.log(INFO, "event=invariant_holds check=" + result.check());
        }
    }

    /** What was shown before; 0 where nothing was. */
    private synchronized int show(String check, @Nullable Integer count) {
        var label = List.of(check);
        var before = count == null ? broken.remove(label) : broken.put(label, count);
        if (count != null) {
            misses.remove(check);
        }
        gauges.show(broken);
        return before == null ? 0 : before;
    }
}
