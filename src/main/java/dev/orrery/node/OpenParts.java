package dev.orrery.node;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.OrreryException;
import dev.orrery.domain.StartupException;
import dev.orrery.store.StoreFailures;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What a node has opened so far, to be closed in the reverse order, each part within its time. */
final class OpenParts {

    /** What opening or closing one part may take, where it does not say otherwise. */
    static final Duration STEP_LIMIT = Duration.ofSeconds(30);

    private static final Duration LOOK_EVERY = Duration.ofMillis(50);

    private static final System.Logger LOG = System.getLogger(OpenParts.class.getName());

    /** The latest first. */
    private final Deque<Part> open = new ArrayDeque<>();

    private record Part(String name, Duration limit, Runnable close) {}

    synchronized void opened(String name, Duration limit, Runnable close) {
        open.addFirst(new Part(name, limit, close));
    }

    /** Goes on where a part takes longer than it may. Blocks. */
    void closeAll() {
        Part part;
        while ((part = take()) != null) {
            var current = part;
            var closing = Thread.ofVirtual().name("close " + current.name()).start(current.close());
            try {
                if (!closing.join(current.limit())) {
                    LOG.log(WARNING, "closing takes too long, going on: part={0}", current.name());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private synchronized @Nullable Part take() {
        return open.pollFirst();
    }

    static <T> T await(Future<T> future, Duration limit) {
        try {
            return future.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new StartupException("no answer within " + limit.toSeconds() + " s", e);
        }
    }

    /** The same, but no longer than it is wanted: a start that was told to stop waits for nothing more. */
    static <T> T await(Future<T> future, Duration limit, BooleanSupplier isOver) {
        var deadline = System.nanoTime() + limit.toNanos();
        while (!future.isComplete() && System.nanoTime() < deadline) {
            if (isOver.getAsBoolean()) {
                throw new StartupException("told to stop while starting");
            }
            try {
                Thread.sleep(LOOK_EVERY);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StartupException("interrupted while starting", e);
            }
        }
        return await(future, LOOK_EVERY);
    }

    /** What went wrong with the database after it was opened is no fault of ours. */
    static RuntimeException withCure(RuntimeException failure) {
        if (failure instanceof OrreryException || !(StoreFailures.told(failure) instanceof OrreryException)) {
            return failure;
        }
        return new StartupException(
                "the database answered at first and then did not, while the node was starting (" + failure.getMessage()
                        + "): look at its log and load, then start the node again",
                failure);
    }
}
