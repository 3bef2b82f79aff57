package dev.orrery.telemetry;

import static java.lang.System.Logger.Level.WARNING;

import io.vertx.core.Vertx;
import io.vertx.core.impl.VertxThread;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.threadchecker.BlockedThreadEvent;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Tells of the threads of a Vert.x that are blocked: once with a stack trace, then each time that it has taken twice as long,
 * and once when it is over. Vert.x itself would tell all of them each second. What is remembered is one entry for each
 * thread that is blocked.
 */
public final class BlockedThreads {

    private static final System.Logger LOG = System.getLogger(BlockedThreads.class.getName());
    private static final long LOOK_MILLIS = 1_000;

    private final Vertx vertx;
    private final Function<Thread, String> work;

    /** Guarded by this. */
    private final Map<VertxThread, Spell> spells = new HashMap<>();

    /** From this moment of {@link System#nanoTime} on it has been blocked; what takes so long is told next. */
    private record Spell(long since, long nextNanos) {}

    private BlockedThreads(Vertx vertx, Function<Thread, String> work) {
        this.vertx = vertx;
        this.work = work;
    }

    /**
     * From now on it tells of these threads.
     *
     * @param work what a thread is at, as pairs for the log such as {@code handler=x}; empty where that is not known
     */
    public static void tell(Vertx vertx, Function<Thread, String> work) {
        var telling = new BlockedThreads(vertx, work);
        ((VertxInternal) vertx).blockedThreadChecker().setThreadBlockedHandler(telling::blocked);
    }

    /** Called by the thread that checks, for each blocked one at each check. */
    private void blocked(BlockedThreadEvent event) {
        if (event.thread() instanceof VertxThread thread) {
            blocked(thread, event.duration());
        } else {
            LOG.log(WARNING, "a thread is blocked:" + about(event.thread(), event.duration()));
        }
    }

    private synchronized void blocked(VertxThread thread, long nanos) {
        var since = thread.startTime();
        if (since == 0) {
            // Over since the check.
            return;
        }
        var spell = spells.get(thread);
        if (spell == null || spell.since() != since) {
            if (spell != null) {
                tellOver(thread, spell);
            }
            var where = new Throwable("where it is");
            where.setStackTrace(thread.getStackTrace());
            LOG.log(WARNING, "a thread is blocked:" + about(thread, nanos), where);
            var isFirst = spells.isEmpty();
            spells.put(thread, new Spell(since, 2 * nanos));
            if (isFirst) {
                lookLater();
            }
        } else if (nanos >= spell.nextNanos()) {
            LOG.log(WARNING, "a thread is still blocked:" + about(thread, nanos));
            spells.put(thread, new Spell(since, 2 * nanos));
        }
    }

    private String about(Thread thread, long nanos) {
        var known = work.apply(thread);
        return " millis=" + TimeUnit.NANOSECONDS.toMillis(nanos) + " thread=" + thread.getName()
                + (known.isEmpty() ? "" : " ") + known;
    }

    private void lookLater() {
        try {
            vertx.setTimer(LOOK_MILLIS, _ -> look());
        } catch (IllegalStateException | RejectedExecutionException closed) {
            spells.clear();
        }
    }

    private synchronized void look() {
        for (var entry : Map.copyOf(spells).entrySet()) {
            if (entry.getKey().startTime() != entry.getValue().since()) {
                tellOver(entry.getKey(), entry.getValue());
                spells.remove(entry.getKey());
            }
        }
        if (!spells.isEmpty()) {
            lookLater();
        }
    }

    /** Seen a moment later, so the time is the most that it may have been. */
    private static void tellOver(Thread thread, Spell spell) {
        var millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - spell.since());
        LOG.log(WARNING, "a thread is blocked no more: millis_at_most=" + millis + " thread=" + thread.getName());
    }
}
