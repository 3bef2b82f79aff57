package dev.orrery.node;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.config.MemoryBudget;
import dev.orrery.config.RetentionConfig;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.engine.scheduler.Chore;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeader;
import dev.orrery.engine.scheduler.Chore.Bite.OfLeaderWhenDue;
import dev.orrery.service.EventFiring;
import dev.orrery.service.EventReplay;
import dev.orrery.service.EventService;
import dev.orrery.service.JobDags;
import dev.orrery.service.LetterNews;
import dev.orrery.service.RequestKey;
import dev.orrery.service.WebhookService;
import dev.orrery.service.WebhookService.Received;
import dev.orrery.store.Batcher;
import dev.orrery.store.EventHandlerRepository;
import dev.orrery.store.EventPublication;
import dev.orrery.store.LetterNewsRepository;
import dev.orrery.store.Pools;
import dev.orrery.store.PublishedEventRepository;
import dev.orrery.store.ReplayRepository;
import dev.orrery.store.ScheduledJobRepository;
import dev.orrery.store.StoreFailures;
import dev.orrery.store.WebhookRepository;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/** A node's events: how they are published, and what the leader does for them. */
final class EventParts {

    private static final long HEAP = Runtime.getRuntime().maxMemory();

    /** Each event has up to a hundred deliveries. */
    private static final int PURGE_BITE = 1_000;

    private final EventService service;
    private final EventFiring firing;
    private final WebhookService webhooks;
    private final LetterNews news;
    private final LetterAlertParts alerts;
    private final EventReplay replay;
    private final PublishedEventRepository events;

    EventParts(Vertx vertx, Pools pools, JobDags dags, Supplier<UUID> ids, Bus bus, LetterAlertParts alerts) {
        this.alerts = alerts;
        var publishing = new PublishedEventRepository(vertx, pools.hot());
        this.events = new PublishedEventRepository(vertx, pools.api());
        this.firing = new EventFiring(publishing, ids, bus);
        this.service = new EventService(
                vertx,
                new EventService.Repositories(
                        new EventHandlerRepository(vertx, pools.api()),
                        events,
                        new ScheduledJobRepository(vertx, pools.api())),
                new Batcher<EventPublication, EventPublication.Result>(
                        "events",
                        new Batcher.Limits(200, 4 << 20, 2, 10_000, MemoryBudget.submissions(HEAP) / 2),
                        EventService::weight,
                        publishing::publish,
                        StoreFailures::isLasting),
                dags,
                ids,
                bus);
        this.replay = new EventReplay(service, new ReplayRepository(vertx, pools.api()));
        this.news = new LetterNews(new LetterNewsRepository(vertx, pools.api()), service, alerts.areOn());
        this.webhooks = new WebhookService(vertx, new WebhookRepository(vertx, pools.api()), ids, this::publish);
    }

    EventService service() {
        return service;
    }

    EventReplay replay() {
        return replay;
    }

    LetterAlertParts alerts() {
        return alerts;
    }

    WebhookService webhooks() {
        return webhooks;
    }

    private Future<Received> publish(
            TenantId tenant, NewEvent event, Optional<RequestKey> request, Optional<ChangeRequest> change) {
        return change.map(service::by)
                .orElse(service)
                .publish(tenant, List.of(event), request)
                .map(List::getFirst)
                .map(published -> new Received(published.event().id().value(), published.repeated()));
    }

    List<Chore> chores(RetentionConfig retention) {
        var age = Optional.of(retention.events()).filter(Duration::isPositive);
        var chores = new ArrayList<>(alerts.chores());
        chores.addAll(List.of(
                new Chore(
                        "waiting events",
                        Duration.ofSeconds(1),
                        new OfLeaderWhenDue(firing::fire),
                        Optional.of(Addresses.JOBS_CHANGED)),
                new Chore("news of dead letters", Duration.ofSeconds(1), new OfLeader(news::announce)),
                new Chore(
                        "old events",
                        Duration.ofMinutes(1),
                        new OfLeader(epoch -> events.purgeOld(age, PURGE_BITE, epoch)))));
        return chores;
    }
}
