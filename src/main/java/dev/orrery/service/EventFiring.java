package dev.orrery.service;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.store.PublishedEventRepository;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Fires what waited whether more events come. Done by the leader, by the database's clock. */
public final class EventFiring {

    /** In one transaction, which is to be short. */
    private static final int BITE = 500;

    private static final Duration FOREVER = Duration.ofDays(1);

    private final PublishedEventRepository events;
    private final Supplier<UUID> runId;
    private final Bus bus;

    /** {@code runId}: new ids for runs. */
    public EventFiring(PublishedEventRepository events, Supplier<UUID> runId, Bus bus) {
        this.events = events;
        this.runId = runId;
        this.bus = bus;
    }

    /** Fires what is due, in one bite; how long until something is due again. */
    public Future<Duration> fire(long epoch) {
        return events.firePending(Stream.generate(runId).limit(BITE).toList(), epoch)
                .map(fired -> {
                    if (fired.fired() > 0) {
                        bus.publish(Addresses.WORK_READY, new WorkReady(Set.of()));
                    }
                    return fired.pause().orElse(FOREVER);
                });
    }
}
