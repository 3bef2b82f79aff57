package dev.orrery.service;

import static dev.orrery.domain.Checks.require;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.orrery.store.LetterAlertRepository;
import dev.orrery.store.LetterAlertRepository.Alert;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Tells the webhook of the configuration of new dead letters. What has come since the last request is told by one, so a
 * flood of letters is a few requests. A request that is not taken is sent again, the same under the same id, until it is: what
 * comes meanwhile is gathered for the next one. For the leader; the figures may be read from any thread.
 */
public final class LetterAlerts {

    private static final System.Logger LOG = System.getLogger(LetterAlerts.class.getName());

    private static final Duration PAUSE_MIN = Duration.ofSeconds(1);
    private static final Duration PAUSE_MAX = Duration.ofMinutes(5);
    private static final int DOUBLINGS_MAX = 20;

    /** A node that has not tried for so long does not lead any more, and others know better. */
    private static final Duration SILENCE_MAX = PAUSE_MAX.multipliedBy(2);

    /** There is no such time. */
    private static final long NEVER = Long.MIN_VALUE;

    private final LetterAlertRepository alerts;
    private final Receiver receiver;
    private final Duration gap;
    private final AtomicLong delivered = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private volatile long failingSince = NEVER;
    private volatile long lastTry = NEVER;

    /** Who takes alerts. */
    @FunctionalInterface
    public interface Receiver {

        /** Succeeds when it was taken. Ends in bounded time; its failure's message says what was wrong. */
        Future<Void> send(Alert alert);
    }

    /** {@code gap}: from one request to the next, at least. */
    public LetterAlerts(LetterAlertRepository alerts, Receiver receiver, Duration gap) {
        this.alerts = requireNonNull(alerts, "alerts");
        this.receiver = requireNonNull(receiver, "receiver");
        require(gap.isPositive(), "gap must be positive, was " + gap);
        this.gap = gap;
    }

    /** Tells what is to be told now; answers how long until it is worth to look again. */
    public Future<Duration> tell(long epoch) {
        return alerts.next(gap, epoch)
                .compose(next -> next.alert()
                        .map(this::send)
                        .orElseGet(() -> Future.succeededFuture(next.due().orElse(PAUSE_MAX))));
    }

    private Future<Duration> send(Alert alert) {
        lastTry = System.nanoTime();
        return receiver.send(alert)
                .transform(answer -> answer.succeeded() ? taken(alert) : refused(alert, answer.cause()));
    }

    private Future<Duration> taken(Alert alert) {
        delivered.incrementAndGet();
        if (failingSince != NEVER) {
            failingSince = NEVER;
            LOG.log(INFO, "event=letter_alert_taken alert=" + alert.id() + " tries=" + alert.tries());
        }
        return alerts.delivered(alert.id()).map(gap);
    }

    private Future<Duration> refused(Alert alert, Throwable error) {
        failed.incrementAndGet();
        if (failingSince == NEVER) {
            failingSince = lastTry;
        }
        var pause = pause(alert.tries());
        var wait = notBeforeTheGap(pause);
        LOG.log(
                WARNING,
                "event=letter_alert_failed alert=" + alert.id() + " tries=" + alert.tries() + " again_in="
                        + wait.truncatedTo(ChronoUnit.MILLIS) + ": " + error.getMessage());
        return alerts.failed(alert.id(), pause).map(wait);
    }

    /** A request that was not taken counts as one too. */
    private Duration notBeforeTheGap(Duration pause) {
        var left = gap.minusNanos(System.nanoTime() - lastTry);
        return pause.compareTo(left) < 0 ? left : pause;
    }

    /** Doubles with each try. */
    static Duration pause(int tries) {
        var pause = PAUSE_MIN.multipliedBy(1L << Math.min(tries - 1, DOUBLINGS_MAX));
        return pause.compareTo(PAUSE_MAX) < 0 ? pause : PAUSE_MAX;
    }

    public long delivered() {
        return delivered.get();
    }

    public long failed() {
        return failed.get();
    }

    /** For how long nothing was taken that this node sent; nothing where it was, or this node does not send. */
    public Duration failingFor() {
        var since = failingSince;
        var now = System.nanoTime();
        return since == NEVER || now - lastTry > SILENCE_MAX.toNanos() ? Duration.ZERO : Duration.ofNanos(now - since);
    }
}
