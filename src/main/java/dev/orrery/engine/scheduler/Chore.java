package dev.orrery.engine.scheduler;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Address;
import dev.orrery.bus.BusMessage;
import dev.orrery.bus.BusMessage.Done;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/**
 * Something to be done from time to time, in small bites.
 *
 * @param every how long after one round the next one begins, at the latest
 * @param bite does a bounded part of it; true where there is more to do at once
 * @param signal where it is told that there may be something to do now
 */
public record Chore(String name, Duration every, Bite bite, Optional<Address<? extends BusMessage, Done>> signal) {

    /** A bounded part of a chore. */
    public sealed interface Bite {

        /** Every node does it for itself. */
        record OfEach(Supplier<Future<Boolean>> action) implements Bite {}

        /** The leader does it, under its epoch. */
        record OfLeader(LongFunction<Future<Boolean>> action) implements Bite {}

        /** The leader does it, under its epoch, and is told how long until there is something to do again. */
        record OfLeaderWhenDue(LongFunction<Future<Duration>> action) implements Bite {}
    }

    public Chore {
        requireNonNull(name, "name");
        require(every.isPositive(), "every must be positive, was " + every);
        requireNonNull(bite, "bite");
        requireNonNull(signal, "signal");
    }

    /** One that nobody is told of. */
    public Chore(String name, Duration every, Bite bite) {
        this(name, every, bite, Optional.empty());
    }
}
