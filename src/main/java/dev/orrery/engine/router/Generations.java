package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Turned;
import io.vertx.core.Future;
import java.time.Duration;

/**
 * Sees to it that claims stay as cheap as they are while somebody looks at an old state of the database, whatever was claimed
 * since: it has the head of the queues measured, and a new generation of ready tasks begun where that has become costly. It
 * looks when much was claimed, and now and then for what remote workers claim.
 */
final class Generations {

    private static final System.Logger LOG = System.getLogger(Generations.class.getName());

    /** So much has to be claimed before a look is worth it, for claims of a hundred pass a few dozen at no cost. */
    private static final int CLAIMS_MIN = 2_000;

    private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long LONGEST_NANOS = Duration.ofSeconds(10).toNanos();
    private static final Duration BETWEEN_STEPS = Duration.ofMillis(20);

    private final WorkRepository work;
    private final Appetite appetite;
    private final Signals signals;
    private final Loop loop;
    private final OneAtATime turning = new OneAtATime(this::turn);
    private long lookedAt = System.nanoTime() - LONGEST_NANOS;
    private int claims;

    Generations(WorkRepository work, Appetite appetite, Signals signals, Loop loop) {
        this.work = work;
        this.appetite = appetite;
        this.signals = signals;
        this.loop = loop;
    }

    void claimed(int count) {
        claims = Math.min(CLAIMS_MIN, claims + count);
        look();
    }

    void poll() {
        look();
    }

    private void look() {
        var since = System.nanoTime() - lookedAt;
        if (since >= LONGEST_NANOS || (claims >= CLAIMS_MIN && since >= PAUSE_NANOS)) {
            claims = 0;
            turning.ask();
        }
    }

    private Future<?> turn() {
        lookedAt = System.nanoTime();
        return work.turnGenerations(appetite.queues())
                .onSuccess(this::turned)
                .onFailure(error -> LOG.log(DEBUG, "cannot turn the generations of ready tasks", error));
    }

    private void turned(Turned turned) {
        if (!turned.movedQueues().isEmpty()) {
            signals.workReady(turned.movedQueues());
        }
        if (turned.goesOn()) {
            loop.later(BETWEEN_STEPS, turning::ask);
        }
    }
}
