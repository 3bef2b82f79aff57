package dev.orrery.engine.scheduler;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.engine.scheduler.Chore.Bite;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/**
 * Does chores, those of the leader while this node leads, each in its own rhythm and never two bites of one at the same time. A bite that fails is tried again in
 * the next round. Stopping waits for the bites under way.
 */
public final class SchedulerVerticle extends VerticleBase {

    private static final System.Logger LOG = System.getLogger(SchedulerVerticle.class.getName());

    private final List<Chore> chores;
    private final Supplier<OptionalLong> epoch;
    private int underWay;
    private boolean stopping;
    private final Promise<Void> idle = Promise.promise();

    /** {@code epoch}: under which this node leads, if it does. */
    public SchedulerVerticle(List<Chore> chores, Supplier<OptionalLong> epoch) {
        this.chores = List.copyOf(chores);
        this.epoch = epoch;
    }

    @Override
    public Future<?> start() {
        chores.forEach(chore -> later(chore, chore.every()));
        return Future.succeededFuture();
    }

    private void later(Chore chore, Duration pause) {
        vertx.setTimer(Math.max(1, pause.toMillis()), _ -> bite(chore));
    }

    private void bite(Chore chore) {
        if (stopping) {
            return;
        }
        underWay++;
        biteOf(chore).onComplete(answer -> {
            underWay--;
            if (answer.failed()) {
                LOG.log(
                        WARNING,
                        "a chore failed, the next round tries it again: chore=" + chore.name(),
                        answer.cause());
            }
            if (stopping) {
                settle();
            } else if (answer.succeeded() && answer.result().isZero()) {
                bite(chore);
            } else {
                later(chore, answer.succeeded() ? answer.result() : chore.every());
            }
        });
    }

    /** How long until the next bite. */
    private Future<Duration> biteOf(Chore chore) {
        return switch (chore.bite()) {
            case Bite.OfEach(var action) -> action.get().map(more -> pause(chore, more));
            case Bite.OfLeader(var action) -> leading(action).map(more -> pause(chore, more.orElse(false)));
            case Bite.OfLeaderWhenDue(var action) ->
                leading(action)
                        .map(pause -> pause.filter(time -> time.compareTo(chore.every()) < 0)
                                .orElse(chore.every()));
        };
    }

    private static Duration pause(Chore chore, boolean hasMore) {
        return hasMore ? Duration.ZERO : chore.every();
    }

    /** Nothing where this node does not lead. */
    private <T> Future<Optional<T>> leading(LongFunction<Future<T>> action) {
        var current = epoch.get();
        return current.isPresent()
                ? action.apply(current.getAsLong()).map(Optional::of)
                : Future.succeededFuture(Optional.empty());
    }

    @Override
    public Future<?> stop() {
        stopping = true;
        settle();
        return idle.future();
    }

    private void settle() {
        if (underWay == 0) {
            idle.tryComplete();
        }
    }
}
