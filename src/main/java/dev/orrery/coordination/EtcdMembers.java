package dev.orrery.coordination;

import dev.orrery.config.EtcdConfig;
import io.etcd.jetcd.Client;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The members of an etcd, of which one is asked until it fails, and then the next: one that is dead, frozen, or cut off from
 * the others costs a part of one call's time limit, and no call after it. (The library's own round robin would go on
 * giving every third call to a frozen one, until its pings are missed.) Questions are such that they may be asked twice.
 */
final class EtcdMembers implements AutoCloseable {

    private static final Duration PAUSE = Duration.ofMillis(100);

    /** While the node stops, an etcd that does not answer is not waited for. */
    private static final Duration LAST_LIMIT = Duration.ofMillis(700);

    private final List<EtcdEndpoint> endpoints;

    /** Nodes begin with different members, so that the load spreads. */
    private final AtomicInteger current;

    private volatile Duration limit;
    private volatile long answeredAt = System.nanoTime();

    EtcdMembers(EtcdConfig config) {
        endpoints = config.endpoints().stream()
                .map(url -> new EtcdEndpoint(url, config))
                .toList();
        current = new AtomicInteger(ThreadLocalRandom.current().nextInt(endpoints.size()));
        limit = config.timeout();
    }

    /** The longest that a question may take. */
    Duration limit() {
        return limit;
    }

    /** From now on questions are given little time. */
    void hurry() {
        limit = limit.compareTo(LAST_LIMIT) < 0 ? limit : LAST_LIMIT;
    }

    Duration silence() {
        return Duration.ofNanos(System.nanoTime() - answeredAt);
    }

    /** What the first of them answers that answers; all within the limit. */
    <T> T ask(Function<Client, CompletableFuture<T>> question, Duration within) {
        var deadline = System.nanoTime() + within.toNanos();
        var mayLogIn = true;
        for (var failures = 0; ; ) {
            var at = current.get();
            try {
                var value = endpoints.get(at).ask(question, share(deadline, within));
                answeredAt = System.nanoTime();
                return value;
            } catch (EtcdFailure failure) {
                if (failure.kind() == EtcdFailure.Kind.LOGIN && mayLogIn) {
                    mayLogIn = false;
                    endpoints.get(at).logInAgain();
                    continue;
                }
                failures++;
                var isRoundOver = failures % endpoints.size() == 0;
                if (failure.isAnswer() || isOver(deadline, isRoundOver)) {
                    answeredAt = failure.isAnswer() ? System.nanoTime() : answeredAt;
                    throw failure;
                }
                current.compareAndSet(at, (at + 1) % endpoints.size());
                if (isRoundOver) {
                    pause();
                }
            }
        }
    }

    /** What one of them may take of the time that is left, so that another can be asked after it. */
    private Duration share(long deadline, Duration within) {
        var left = Duration.ofNanos(Math.max(deadline - System.nanoTime(), 1_000_000));
        var half = within.dividedBy(2);
        return endpoints.size() == 1 || left.compareTo(half) < 0 ? left : half;
    }

    private static boolean isOver(long deadline, boolean pausesFirst) {
        return System.nanoTime() + (pausesFirst ? PAUSE.toNanos() : 0) >= deadline;
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CoordinationException("interrupted while waiting for etcd", e);
        }
    }

    /** What was wrong with each of them the last time. */
    String complaints() {
        return endpoints.stream().map(EtcdEndpoint::complaint).collect(Collectors.joining("; "));
    }

    @Override
    public void close() {
        endpoints.forEach(EtcdEndpoint::close);
    }
}
