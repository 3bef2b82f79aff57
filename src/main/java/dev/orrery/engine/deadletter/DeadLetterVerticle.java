package dev.orrery.engine.deadletter;

import static java.lang.System.Logger.Level.WARNING;
import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.service.deadletter.DeadLetterService;
import dev.orrery.store.LetterRedriveRepository.Step;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.MessageConsumer;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Goes on with what was asked of many dead letters, one bounded transaction after the other. Every node has one, and they share
 * the requests by skipping what another one holds. It looks at its own pace; a message only makes it look at once. Stopping waits
 * for the transaction under way.
 */
public final class DeadLetterVerticle extends VerticleBase {

    private static final System.Logger LOG = System.getLogger(DeadLetterVerticle.class.getName());

    /** While single tasks are sent back, none that wait for others can end: the bites are small. */
    private static final int BITE = 100;

    private static final Duration POLL = Duration.ofSeconds(1);

    /** Where not even one letter can be done in time, those who asked later come first for so long. */
    private static final Duration PUT_OFF = Duration.ofSeconds(30);

    private final DeadLetterService letters;
    private final Bus bus;
    private @Nullable MessageConsumer<?> ear;
    private OptionalLong timer = OptionalLong.empty();
    private int size = BITE;
    private boolean wasTold;
    private boolean stopping;
    private final Promise<Void> idle = Promise.promise();

    public DeadLetterVerticle(DeadLetterService letters, Bus bus) {
        this.letters = requireNonNull(letters, "letters");
        this.bus = requireNonNull(bus, "bus");
    }

    @Override
    public Future<?> start() {
        ear = bus.listen(Addresses.REDRIVES_ASKED, _ -> now());
        later(POLL);
        return Future.succeededFuture();
    }

    private void later(Duration pause) {
        timer = OptionalLong.of(vertx.setTimer(Math.max(1, pause.toMillis()), _ -> bite()));
    }

    /** What was told during a bite may have come too late for it. */
    private void now() {
        if (timer.isEmpty()) {
            wasTold = true;
        } else if (vertx.cancelTimer(timer.getAsLong())) {
            bite();
        }
    }

    private void bite() {
        timer = OptionalLong.empty();
        wasTold = false;
        letters.goOn(size).recover(this::failed).onComplete(answer -> {
            // What is too much for the time that the database gives would be so for ever, and others wait behind it.
            size = answer.succeeded() ? Math.min(BITE, size * 2) : Math.max(1, size / 2);
            if (stopping) {
                idle.tryComplete();
            } else if (answer.succeeded() && (wasTold || answer.result().wentOn())) {
                bite();
            } else {
                var due = answer.succeeded() ? answer.result().nextDue() : Optional.<Duration>empty();
                later(due.filter(time -> time.compareTo(POLL) < 0).orElse(POLL));
            }
        });
    }

    private Future<Step> failed(Throwable error) {
        Future<Step> failure = Future.failedFuture(error);
        if (size > 1) {
            LOG.log(
                    WARNING,
                    "cannot go on with dead letters; trying again in " + POLL + " with " + size / 2 + " at once",
                    error);
            return failure;
        }
        return letters.putOff(PUT_OFF).otherwise(Optional.empty()).compose(request -> {
            LOG.log(
                    WARNING,
                    request.map(id -> "cannot go on with the redrive " + id
                                    + " of dead letters, not even with one at once;" + " trying it again in " + PUT_OFF
                                    + ", after those that were asked for later")
                            .orElse("cannot go on with dead letters; trying again in " + POLL),
                    error);
            return failure;
        });
    }

    @Override
    public Future<?> stop() {
        stopping = true;
        if (ear != null) {
            ear.unregister();
        }
        if (timer.isPresent() && vertx.cancelTimer(timer.getAsLong())) {
            idle.tryComplete();
        }
        return idle.future();
    }
}
