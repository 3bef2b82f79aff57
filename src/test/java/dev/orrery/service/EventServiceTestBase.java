package dev.orrery.service;

import static dev.orrery.testing.Await.await;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.event.DeliveryOutcome;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.event.EventRule.Debounce;
import dev.orrery.domain.event.EventRule.Throttle;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.domain.job.JobPriority;
import dev.orrery.domain.job.ScheduledJob.Work;
import dev.orrery.service.EventService.PublishedEvent;
import dev.orrery.store.Batcher;
import dev.orrery.store.DagRepository;
import dev.orrery.store.EventHandlerRepository;
import dev.orrery.store.EventPublication;
import dev.orrery.store.Pools;
import dev.orrery.store.PublishedEventRepository;
import dev.orrery.store.PublishedEventRepository.Delivery;
import dev.orrery.store.ScheduledJobRepository;
import dev.orrery.store.StoreFailures;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Events over a database, with nobody who does the work that they cause. */
abstract class EventServiceTestBase {

    static final TenantId TENANT = TenantId.DEFAULT;
    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    final Vertx vertx = Vertx.vertx();
    final Bus bus = Bus.on(vertx);
    final AtomicInteger signals = new AtomicInteger();
    TestDatabase database;
    Pools pools;
    PublishedEventRepository repository;
    EventService events;
    EventFiring firing;

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
        pools = Pools.open(vertx, database.connectOptions(), 6, 200);
        bus.listen(Addresses.WORK_READY, _ -> signals.incrementAndGet());
        repository = new PublishedEventRepository(vertx, pools.hot());
        events = service();
        firing = new EventFiring(repository, EventServiceTestBase::id, bus);
    }

    @AfterEach
    void close() {
        await(pools.close());
        await(vertx.close());
        database.close();
    }

    /** As another node has it, which remembers handlers of its own. */
    EventService service() {
        return new EventService(
                vertx,
                new EventService.Repositories(
                        new EventHandlerRepository(vertx, pools.api()),
                        repository,
                        new ScheduledJobRepository(vertx, pools.api())),
                new Batcher<EventPublication, EventPublication.Result>(
                        "events",
                        new Batcher.Limits(200, 4 << 20, 2, 10_000, 64 << 20),
                        EventService::weight,
                        repository::publish,
                        StoreFailures::isLasting),
                new JobDags(vertx, new DagRepository(vertx, pools.api()), EventServiceTestBase::id),
                EventServiceTestBase::id,
                bus);
    }

    static UUID id() {
        return IDS.next(System.currentTimeMillis());
    }

    JobId handler(EventRule rule) {
        return await(events.onEvent(TENANT, input(rule), Optional.empty())).id();
    }

    static EventHandlerInput input(EventRule rule) {
        var work = new Work(
                HandlerType.FUNCTION,
                "noop",
                Optional.empty(),
                Work.DEFAULT_RETRIES,
                Work.DEFAULT_RETRY_DELAY,
                Work.DEFAULT_TIMEOUT,
                JobPriority.MEDIUM);
        return new EventHandlerInput(
                "on " + rule.eventName(), rule, work, true, List.of(), Optional.empty(), Optional.empty());
    }

    static EventRule on(String name) {
        return new EventRule(name, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    static EventRule debounced(String name, Duration quiet, Optional<Duration> maxWait) {
        var debounce = new Debounce(quiet, maxWait, Optional.empty());
        return new EventRule(name, Optional.empty(), Optional.empty(), Optional.of(debounce), Optional.empty());
    }

    static EventRule throttled(String name, int limit, Duration per) {
        var throttle = new Throttle(limit, per, Optional.empty());
        return new EventRule(name, Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(throttle));
    }

    static NewEvent event(String name, int number) {
        return NewEvent.of(name, new Json("{\"n\":" + number + "}"), Optional.empty(), Optional.empty());
    }

    static NewEvent keyed(String name, String key, int number) {
        return NewEvent.of(name, new Json("{\"n\":" + number + "}"), Optional.of(key), Optional.empty());
    }

    PublishedEvent publish(NewEvent event) {
        return await(publishing(event)).getFirst();
    }

    Future<List<PublishedEvent>> publishing(NewEvent... published) {
        return events.publish(TENANT, List.of(published), Optional.empty());
    }

    static List<DeliveryOutcome> outcomes(PublishedEvent published) {
        return published.event().deliveries().stream().map(Delivery::outcome).toList();
    }

    int runs() {
        return count("dag_runs");
    }

    int count(String table) {
        return Integer.parseInt(database.value("SELECT count(*) FROM " + table));
    }
}
