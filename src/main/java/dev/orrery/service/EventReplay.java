package dev.orrery.service;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.service.EventService.PublishedEvent;
import dev.orrery.store.ReplayRepository;
import dev.orrery.store.ReplayRepository.Past;
import dev.orrery.store.ReplayRepository.Position;
import dev.orrery.store.ReplayRepository.Range;
import io.vertx.core.Future;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Publishes events once more. What comes of it is a new event, which knows what it repeats: handlers of today judge it, and it
 * has no key, so that it is not taken for the first one.
 */
public final class EventReplay {

    private final EventService events;
    private final ReplayRepository past;

    public EventReplay(EventService events, ReplayRepository past) {
        this.events = events;
        this.past = past;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public EventReplay by(ChangeRequest request) {
        return new EventReplay(events.by(request), past);
    }

    /** One event and what it was published as; nothing where it was only looked at. */
    public record Replayed(EventId event, Optional<PublishedEvent> again) {}

    /**
     * A part of a range.
     *
     * @param next where the rest begins
     */
    public record Part(List<Replayed> events, Optional<Position> next) {

        public Part {
            events = List.copyOf(events);
        }
    }

    /** Fails with {@code EVENT_NOT_FOUND}, or {@code EVENT_HANDLER_NOT_FOUND}. */
    public Future<Replayed> replay(
            TenantId tenant, EventId id, Optional<Set<JobId>> handlers, Optional<RequestKey> key) {
        return known(tenant, handlers)
                .compose(_ -> events.getEvent(tenant, id))
                .map(event -> new Past(
                        id,
                        event.name(),
                        event.payload().orElse(Json.EMPTY_OBJECT),
                        event.source(),
                        event.receivedAt(),
                        false))
                .compose(event -> publish(tenant, List.of(event), handlers, key))
                .map(List::getFirst);
    }

    /**
     * Publishes the events of a range that were not themselves replayed, in the order of time, as one request: all or none.
     * With the same key and range it does so once.
     */
    public Future<Part> replay(TenantId tenant, Range range, Optional<Set<JobId>> handlers, Optional<RequestKey> key) {
        return known(tenant, handlers)
                .compose(_ -> past.list(tenant, range))
                .compose(found -> found.isEmpty()
                        ? Future.succeededFuture(part(found, List.of()))
                        : publish(tenant, found, handlers, key).map(replayed -> part(found, replayed)));
    }

    /** What {@link #replay} would publish. */
    public Future<Part> look(TenantId tenant, Range range, Optional<Set<JobId>> handlers) {
        return known(tenant, handlers)
                .compose(_ -> past.list(tenant, range))
                .map(found -> part(
                        found,
                        found.stream()
                                .map(event -> new Replayed(event.id(), Optional.empty()))
                                .toList()));
    }

    private Future<List<Replayed>> publish(
            TenantId tenant, List<Past> found, Optional<Set<JobId>> handlers, Optional<RequestKey> key) {
        return events.publish(
                        tenant, found.stream().map(each -> each.again(handlers)).toList(), key)
                .map(published -> IntStream.range(0, found.size())
                        .mapToObj(n -> new Replayed(found.get(n).id(), Optional.of(published.get(n))))
                        .toList());
    }

    private static Part part(List<Past> found, List<Replayed> replayed) {
        var next = found.isEmpty() || !found.getLast().more()
                ? Optional.<Position>empty()
                : Optional.of(new Position(
                        found.getLast().receivedAt(), found.getLast().id().value()));
        return new Part(replayed, next);
    }

    private Future<Void> known(TenantId tenant, Optional<Set<JobId>> handlers) {
        var asked = handlers.orElse(Set.of()).stream()
                .map(id -> events.getHandler(tenant, id))
                .toList();
        return asked.isEmpty() ? Future.succeededFuture() : Future.all(asked).mapEmpty();
    }
}
