package dev.orrery.engine.scheduler;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Bus;
import dev.orrery.coordination.Pulse;
import dev.orrery.engine.scheduler.Chore.Bite;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.MessageConsumer;
import java.time.Duration;
import java.util.ArrayList;
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

    private final List<Turn> turns;
    private final Bus bus;
    private final Supplier<OptionalLong> epoch;
    private final Pulse pulse;
    private final List<MessageConsumer<?>> ears = new ArrayList<>();
    private int underWay;
    private boolean stopping;
    private final Promise<Void> idle = Promise.promise();

    /** {@code epoch}: under which this node leads, if it does; {@code pulse}: by which others see that it lives. */
    public SchedulerVerticle(List<Chore> chores, Bus bus, Supplier<OptionalLong> epoch, Pulse pulse) {
        this.turns = chores.stream().map(Turn::new).toList();
        this.bus = bus;
        this.epoch = epoch;
        this.pulse = pulse;
    }

    @Override
    public Future<?> start() {
        pulse.beat();
        vertx.setPeriodic(Pulse.EVERY.toMillis(), _ -> pulse.beat());
        turns.forEach(turn -> {
            turn.later(turn.chore.every());
            turn.chore.signal().ifPresent(signal -> ears.add(bus.listen(signal, _ -> turn.now())));
        });
        return Future.succeededFuture();
    }

    /** A chore in its rhythm: it waits for its timer, or a bite is under way. */
    private final class Turn {

        private final Chore chore;
        private OptionalLong timer = OptionalLong.empty();
        private boolean wasTold;

        Turn(Chore chore) {
            this.chore = chore;
        }

        void later(Duration pause) {
            timer = OptionalLong.of(vertx.setTimer(Math.max(1, pause.toMillis()), _ -> bite()));
        }

        /** What was told during a bite may have come too late for it. */
        void now() {
            if (timer.isEmpty()) {
                wasTold = true;
            } else if (vertx.cancelTimer(timer.getAsLong())) {
                bite();
            }
        }

        private void bite() {
            timer = OptionalLong.empty();
            wasTold = false;
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
                } else if (answer.succeeded() && (wasTold || answer.result().isZero())) {
                    bite();
                } else {
                    later(answer.succeeded() ? answer.result() : chore.every());
                }
            });
        }
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
        pulse.end();
        ears.forEach(MessageConsumer::unregister);
        settle();
        return idle.future();
    }

    private void settle() {
        if (underWay == 0) {
            idle.tryComplete();
        }
    }
}
