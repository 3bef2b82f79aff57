package dev.orrery.engine.router;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Woken;
import io.vertx.core.Future;
import java.time.Duration;

/** Makes retries ready when their time has come. What is due later than the next poll is left to that. */
final class RetryAlarm {

    private static final System.Logger LOG = System.getLogger(RetryAlarm.class.getName());
    private static final int WAKE_LIMIT = 500;

    private final WorkRepository work;
    private final Signals signals;
    private final Duration poll;
    private final Loop loop;
    private final OneAtATime waking = new OneAtATime(this::wake);
    private boolean over;

    RetryAlarm(WorkRepository work, Signals signals, Duration poll, Loop loop) {
        this.work = work;
        this.signals = signals;
        this.poll = poll;
        this.loop = loop;
    }

    /** A retry will be due after this time. */
    void dueIn(Duration delay) {
        if (delay.compareTo(poll) < 0) {
            loop.later(delay, this::look);
        }
    }

    /** Wakes what is due. */
    void look() {
        if (!over) {
            waking.ask();
        }
    }

    /** For good: retries are for nodes that go on working. */
    void end() {
        over = true;
    }

    private Future<?> wake() {
        return work.wakeDue(WAKE_LIMIT)
                .onSuccess(this::woken)
                .onFailure(error -> LOG.log(DEBUG, "cannot wake retries", error));
    }

    private void woken(Woken woken) {
        if (woken.count() > 0) {
            signals.historyGrew();
            signals.workReady(woken.readyQueues());
        }
        woken.nextDue().ifPresent(this::dueIn);
    }
}
