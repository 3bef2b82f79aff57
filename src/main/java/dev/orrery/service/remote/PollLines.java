package dev.orrery.service.remote;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Who waits for work at this node, in a line for each queue. Where something becomes ready one of those who wait tries to
 * claim it, the longest waiting first, and only when it got its fill the next one tries: so a thousand who wait ask the
 * database once, and not a thousand times. From any thread.
 *
 * @param <T> what is handed to those who wait
 */
final class PollLines<T> {

    /** How many claims may be under way: the node's own router uses the same connections. */
    private static final int CLAIMS_MAX = 2;

    /** Between two looks at what is ready, while it is said again and again that something is. */
    private static final Duration LOOKS_APART = Duration.ofMillis(5);

    private final Vertx vertx;
    private final int max;
    private final Claiming<T> claiming;
    private final Function<Collection<String>, Future<List<String>>> ready;

    private final AtomicLong arrivals = new AtomicLong();

    // Guarded by the monitor.
    private final Map<NodeId, Waiting> open = new HashMap<>();
    private final Map<String, NavigableSet<Waiting>> lines = new HashMap<>();
    private final Set<Waiting> busy = new HashSet<>();
    private final Deque<Waiting> eager = new ArrayDeque<>();
    private final Set<String> due = new LinkedHashSet<>();
    private final List<Runnable> afterwards = new ArrayList<>();
    private boolean looking;
    private boolean lookAgain;
    private boolean closed;

    /** Claims for one who waits, up to so many; {@code isGone}: whether nobody is there any more to be handed anything. */
    @FunctionalInterface
    interface Claiming<T> {
        Future<List<T>> claim(RemoteWorker worker, int limit, BooleanSupplier isGone);
    }

    private final class Waiting {

        private final long arrival;
        private final RemoteWorker worker;
        private final List<String> queues;
        private final int limit;
        private final Promise<List<T>> answer = Promise.promise();
        private boolean again;
        private boolean isOver;
        private volatile boolean isGone;

        private Waiting(RemoteWorker worker, int limit) {
            this.arrival = arrivals.incrementAndGet();
            this.worker = worker;
            this.queues = worker.queues();
            this.limit = limit;
        }
    }

    /**
     * @param max how many may wait
     * @param ready which of these queues have something that could be claimed
     */
    PollLines(Vertx vertx, int max, Claiming<T> claiming, Function<Collection<String>, Future<List<String>>> ready) {
        this.vertx = vertx;
        this.max = max;
        this.claiming = claiming;
        this.ready = ready;
    }

    /**
     * What this worker gets, within the time nothing where nothing is ready; {@code gone} completes when nobody hears the
     * answer. A worker waits once: whoever waited for it before is answered at once.
     */
    Future<List<T>> wait(RemoteWorker worker, int limit, Duration time, Future<Void> gone) {
        var poll = new Waiting(worker, limit);
        run(() -> enter(poll));
        if (!poll.answer.future().isComplete()) {
            var timer = vertx.setTimer(Math.max(1, time.toMillis()), _ -> run(() -> over(poll)));
            poll.answer.future().onComplete(_ -> vertx.cancelTimer(timer));
            gone.onComplete(_ -> {
                poll.isGone = true;
                run(() -> over(poll));
            });
        }
        return poll.answer.future();
    }

    /** Something may be ready in these queues; empty: in any. */
    void signal(Collection<String> queues) {
        if (queues.isEmpty()) {
            look();
        } else {
            run(() -> readyIn(queues));
        }
    }

    /** Asks once for all who wait what is ready: for signals that do not say where, and those that were lost. */
    void look() {
        run(() -> {
            if (open.isEmpty()) {
                return;
            }
            if (looking) {
                lookAgain = true;
                return;
            }
            looking = true;
            var names = new HashSet<>(lines.keySet());
            busy.forEach(poll -> names.addAll(poll.queues));
            afterwards.add(() -> ready.apply(names).onComplete(answer -> run(() -> looked(answer))));
        });
    }

    /** How many wait. */
    synchronized int size() {
        return open.size();
    }

    /** Answers all who wait, and takes no more. */
    void close() {
        run(() -> {
            closed = true;
            List.copyOf(open.values()).forEach(this::over);
        });
    }

    /** Changes of the state are made alone, and what follows from them outside is done after. */
    private void run(Runnable change) {
        List<Runnable> next;
        synchronized (this) {
            change.run();
            next = List.copyOf(afterwards);
            afterwards.clear();
        }
        next.forEach(Runnable::run);
    }

    private void enter(Waiting poll) {
        var before = open.get(poll.worker.member());
        if (before != null) {
            over(before);
        }
        if (closed || open.size() >= max) {
            var refusal = closed
                    ? new OrreryException(ErrorCode.UNAVAILABLE, "this node is stopping; ask another one")
                    : new OrreryException(
                            ErrorCode.OVERLOADED, max + " remote workers wait at this node, and no more are admitted");
            afterwards.add(() -> poll.answer.tryFail(refusal));
            return;
        }
        open.put(poll.worker.member(), poll);
        joinLines(poll);
        eager.add(poll);
        claimNext();
    }

    /** One that is busy is answered when its claim has come back. */
    private void over(Waiting poll) {
        poll.isOver = true;
        if (!busy.contains(poll)) {
            end(poll, List.of());
        }
    }

    private void end(Waiting poll, List<T> result) {
        leaveLines(poll);
        eager.remove(poll);
        open.remove(poll.worker.member(), poll);
        afterwards.add(() -> poll.answer.tryComplete(result));
    }

    /** At its place, which is that of its arrival. */
    private void joinLines(Waiting poll) {
        for (var queue : poll.queues) {
            lines.computeIfAbsent(queue, _ -> new TreeSet<>(Comparator.comparingLong((Waiting each) -> each.arrival)))
                    .add(poll);
        }
    }

    private void leaveLines(Waiting poll) {
        for (var queue : poll.queues) {
            var line = lines.get(queue);
            if (line != null && line.remove(poll) && line.isEmpty()) {
                lines.remove(queue);
            }
        }
    }

    private void readyIn(Collection<String> queues) {
        queues.stream().filter(lines::containsKey).forEach(due::add);
        busy.stream()
                .filter(poll -> poll.queues.stream().anyMatch(queues::contains))
                .forEach(poll -> poll.again = true);
        claimNext();
    }

    private void looked(AsyncResult<List<String>> answer) {
        looking = false;
        if (answer.succeeded()) {
            readyIn(answer.result());
        }
        if (lookAgain) {
            lookAgain = false;
            afterwards.add(() -> vertx.setTimer(LOOKS_APART.toMillis(), _ -> look()));
        }
    }

    private void claimNext() {
        while (busy.size() < CLAIMS_MAX) {
            var poll = next();
            if (poll == null) {
                return;
            }
            busy.add(poll);
            poll.again = false;
            leaveLines(poll);
            afterwards.add(() -> claim(poll));
        }
    }

    private @Nullable Waiting next() {
        if (!eager.isEmpty()) {
            return eager.remove();
        }
        while (!due.isEmpty()) {
            var queue = due.iterator().next();
            due.remove(queue);
            var line = lines.get(queue);
            if (line != null) {
                return line.first();
            }
        }
        return null;
    }

    private void claim(Waiting poll) {
        Future<List<T>> claims;
        try {
            claims = claiming.claim(poll.worker, poll.limit, () -> poll.isGone);
        } catch (RuntimeException bug) {
            claims = Future.failedFuture(bug);
        }
        claims.onComplete(answer -> run(() -> claimed(poll, answer)));
    }

    private void claimed(Waiting poll, AsyncResult<List<T>> answer) {
        busy.remove(poll);
        if (answer.failed()) {
            afterwards.add(() -> poll.answer.tryFail(answer.cause()));
            end(poll, List.of());
        } else if (!answer.result().isEmpty() || poll.isOver) {
            end(poll, answer.result());
            if (poll.again || answer.result().size() >= poll.limit) {
                // There may be more, for the next in the lines.
                poll.queues.stream().filter(lines::containsKey).forEach(due::add);
            }
        } else {
            joinLines(poll);
            if (poll.again) {
                eager.add(poll);
            }
        }
        claimNext();
    }
}
