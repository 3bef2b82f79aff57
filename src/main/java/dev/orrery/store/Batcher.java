package dev.orrery.store;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Makes one statement of what many callers ask at about the same time, and answers each of them.
 *
 * <p>What comes is sent at once while few statements are under way, else when one of them returns. So a lone caller waits
 * for nobody, and the more callers there are the larger the batches become. Where a statement costs much beside what its
 * items cost, it waits until as many have come as lately came together, or so many that they are worth a statement beside
 * others, but no longer than {@value #PATIENCE_MILLIS} ms. What waits is bounded;
 * beyond that a caller is refused with {@code OVERLOADED}. A batch that fails for a lasting reason is halved until the
 * culprit is alone and answers for itself; any other failure is that of all its callers.
 *
 * <p>May be called from any thread. Answers come on the caller's Vert.x context where it has one.
 */
public final class Batcher<I, O> {

    /**
     * The bounds of a batcher.
     *
     * @param batchCount the most items of one batch
     * @param batchWeight the most that the items of one batch weigh together; a heavier item goes alone
     * @param inFlight how many statements may be under way
     * @param worthwhile how many items are worth a statement beside others, and the most that one waits for
     * @param waitingCount the most items that wait
     * @param waitingWeight the most that waiting items weigh together; where nothing waits, any item is taken
     */
    public record Limits(
            int batchCount, long batchWeight, int inFlight, int worthwhile, int waitingCount, long waitingWeight) {

        /** Statements wait for nobody. */
        public Limits(int batchCount, long batchWeight, int inFlight, int waitingCount, long waitingWeight) {
            this(batchCount, batchWeight, inFlight, 1, waitingCount, waitingWeight);
        }

        public Limits {
            require(batchCount >= 1, "batchCount must be at least 1, was " + batchCount);
            require(batchWeight >= 1, "batchWeight must be at least 1, was " + batchWeight);
            require(inFlight >= 1, "inFlight must be at least 1, was " + inFlight);
            require(worthwhile >= 1, "worthwhile must be at least 1, was " + worthwhile);
            require(waitingCount >= 1, "waitingCount must be at least 1, was " + waitingCount);
            require(waitingWeight >= 1, "waitingWeight must be at least 1, was " + waitingWeight);
        }
    }

    private static final long PATIENCE_MILLIS = 2;

    /** Statements between one that waited for somebody who did not come and the next that may. */
    private static final int GROWTH_PAUSE = 256;

    /** So much of the heaviest batch is worth a statement as well, however few items it is. */
    private static final int HEAVY = 4;

    private record Item<I, O>(
            I input,
            long weight,
            Promise<O> answer,
            @Nullable Context caller) {}

    private final String name;
    private final Limits limits;
    private final ToLongFunction<I> weigh;
    private final Function<List<I>, Future<List<O>>> statement;
    private final Predicate<Throwable> isLasting;
    private final Predicate<Runnable> timer;

    // Guarded by the monitor.
    private final Deque<Item<I, O>> waiting = new ArrayDeque<>();
    private long waitingWeight;
    private int inFlight;
    private boolean sending;
    private int expected = 1;
    private int growthPause;
    private boolean isTimed;
    private boolean isOverdue;
    private long taken;

    /**
     * @param name says in errors what is overloaded, such as {@code "run submissions"}
     * @param weigh about how many bytes an item stands for
     * @param statement answers a batch with one result for each item, in their order; with fewer, but at least one, where
     *     they were too much for one statement: those without a result are sent again
     * @param isLasting whether a failure would come again however often the same batch is sent
     */
    public Batcher(
            String name,
            Limits limits,
            ToLongFunction<I> weigh,
            Function<List<I>, Future<List<O>>> statement,
            Predicate<Throwable> isLasting) {
        this(name, limits, weigh, statement, isLasting, Batcher::startTimer);
    }

    /** {@code timer}: runs an action when the patience is over, once; false where it does not. */
    Batcher(
            String name,
            Limits limits,
            ToLongFunction<I> weigh,
            Function<List<I>, Future<List<O>>> statement,
            Predicate<Throwable> isLasting,
            Predicate<Runnable> timer) {
        this.name = requireNonNull(name, "name");
        this.limits = requireNonNull(limits, "limits");
        this.weigh = requireNonNull(weigh, "weigh");
        this.statement = requireNonNull(statement, "statement");
        this.isLasting = requireNonNull(isLasting, "isLasting");
        this.timer = requireNonNull(timer, "timer");
    }

    /** The result for this item, once the batch that it went with has returned. */
    public Future<O> add(I input) {
        var weight = Math.max(0, weigh.applyAsLong(input));
        var item = new Item<I, O>(input, weight, Promise.promise(), Vertx.currentContext());
        synchronized (this) {
            if (isFullFor(weight)) {
                return Future.failedFuture(new OrreryException(
                        ErrorCode.OVERLOADED, "too many " + name + " wait: " + waiting.size() + "; try again later"));
            }
            waiting.add(item);
            waitingWeight += weight;
        }
        sendWhatIsDue();
        return item.answer().future();
    }

    /** How many items wait for a statement to return. */
    public synchronized int waitingCount() {
        return waiting.size();
    }

    private boolean isFullFor(long weight) {
        return waiting.size() >= limits.waitingCount()
                || (!waiting.isEmpty() && waitingWeight + weight > limits.waitingWeight());
    }

    /** A loop of one thread at a time, so that statements which return at once make no deep stack. */
    private void sendWhatIsDue() {
        synchronized (this) {
            if (sending) {
                return;
            }
            sending = true;
        }
        while (true) {
            List<Item<I, O>> batch;
            synchronized (this) {
                if (waiting.isEmpty() || inFlight >= limits.inFlight() || !isWorthwhile()) {
                    sending = false;
                    return;
                }
                batch = takeBatch();
                inFlight++;
            }
            send(batch).onComplete(_ -> returned());
        }
    }

    private boolean isWorthwhile() {
        return waiting.size() >= (inFlight == 0 ? expected : limits.worthwhile())
                || waitingWeight >= limits.batchWeight() / HEAVY
                || isOverdue
                || !startTimer();
    }

    /** For those that wait; false where there is nobody to keep the time. */
    private boolean startTimer() {
        if (!isTimed) {
            var before = taken;
            isTimed = timer.test(() -> timeIsUp(before));
        }
        return isTimed;
    }

    private static boolean startTimer(Runnable action) {
        var context = Vertx.currentContext();
        if (context == null) {
            return false;
        }
        context.owner().setTimer(PATIENCE_MILLIS, _ -> action.run());
        return true;
    }

    /** Where a batch was taken meanwhile, those that wait now came later. */
    private void timeIsUp(long before) {
        synchronized (this) {
            isTimed = false;
            isOverdue = before == taken;
        }
        sendWhatIsDue();
    }

    private void returned() {
        synchronized (this) {
            inFlight--;
        }
        sendWhatIsDue();
    }

    private List<Item<I, O>> takeBatch() {
        var batch = new ArrayList<Item<I, O>>();
        var weight = 0L;
        while (!waiting.isEmpty() && batch.size() < limits.batchCount()) {
            var next = waiting.element();
            if (!batch.isEmpty() && weight + next.weight() > limits.batchWeight()) {
                break;
            }
            weight += next.weight();
            batch.add(waiting.remove());
        }
        waitingWeight -= weight;
        taken++;
        expect(batch.size());
        return batch;
    }

    /** As many as now, and now and then some more: they grow as long as somebody comes. */
    private void expect(int size) {
        if (isOverdue) {
            growthPause = GROWTH_PAUSE;
        } else if (growthPause > 0) {
            growthPause--;
        }
        isOverdue = false;
        expected = Math.min(
                limits.worthwhile(), growthPause > 0 ? Math.max(1, Math.min(expected, size)) : size + 1 + size / 2);
    }

    /** Completes when every item of the batch is answered; never fails. */
    private Future<Void> send(List<Item<I, O>> batch) {
        return execute(batch).transform(result -> {
            if (result.succeeded()) {
                var results = result.result();
                for (var n = 0; n < results.size(); n++) {
                    succeed(batch.get(n), results.get(n));
                }
                if (results.size() < batch.size()) {
                    return send(batch.subList(results.size(), batch.size()));
                }
            } else if (batch.size() > 1 && isLasting.test(result.cause())) {
                var half = batch.size() / 2;
                return send(batch.subList(0, half)).compose(_ -> send(batch.subList(half, batch.size())));
            } else {
                batch.forEach(item -> fail(item, result.cause()));
            }
            return Future.succeededFuture();
        });
    }

    private Future<List<O>> execute(List<Item<I, O>> batch) {
        try {
            var inputs = batch.stream().map(Item::input).toList();
            return statement.apply(inputs).map(results -> {
                require(
                        !results.isEmpty() && results.size() <= batch.size(),
                        "a batch of " + batch.size() + " " + name + " had " + results.size() + " results");
                return results;
            });
        } catch (RuntimeException bug) {
            // Thrown or returned, it is for the callers to hear.
            return Future.failedFuture(bug);
        }
    }

    private void succeed(Item<I, O> item, O result) {
        onContextOf(item, () -> item.answer().complete(result));
    }

    private void fail(Item<I, O> item, Throwable cause) {
        onContextOf(item, () -> item.answer().fail(cause));
    }

    private void onContextOf(Item<I, O> item, Runnable answer) {
        var caller = item.caller();
        if (caller == null || caller == Vertx.currentContext()) {
            answer.run();
        } else {
            caller.runOnContext(_ -> answer.run());
        }
    }
}
