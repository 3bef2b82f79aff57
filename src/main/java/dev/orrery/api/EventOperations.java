package dev.orrery.api;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.service.EventService;
import dev.orrery.store.EventHandlerRepository;
import dev.orrery.store.EventHandlerRepository.StoredHandler;
import dev.orrery.store.JobListRepository;
import dev.orrery.store.PublishedEventRepository;
import io.vertx.core.Future;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The operations tagged {@code Events}. */
final class EventOperations {

    private final EventService events;

    EventOperations(EventService events) {
        this.events = events;
    }

    Map<String, Operation> byId() {
        var all = new HashMap<String, Operation>();
        all.put("publishEvents", this::publish);
        all.put("listEvents", this::list);
        all.put("getEvent", this::get);
        all.put("createEventHandler", this::register);
        all.put("listEventHandlers", this::handlers);
        all.put(
                "getEventHandler",
                request -> events.getHandler(request.tenant(), handlerId(request))
                        .map(handler -> answer(200, request, handler)));
        all.put("updateEventHandler", this::change);
        all.put(
                "deleteEventHandler",
                request -> events.by(request.change())
                        .removeHandler(request.tenant(), handlerId(request))
                        .map(_ -> Answer.empty(204)));
        return all;
    }

    private Future<Answer> publish(ApiRequest request) {
        return events.by(request.change())
                .publish(request.tenant(), EventBody.read(request.body(), request.traceToKeep()), request.key())
                .map(published -> Answer.json(200, out -> {
                    out.writeStartObject();
                    out.writeFieldName("events");
                    JsonShapes.array(out, published, EventShapes::published);
                    out.writeEndObject();
                }));
    }

    private Future<Answer> list(ApiRequest request) {
        var filter = new PublishedEventRepository.Filter(
                request.optionalText("name"), JobOperations.time(request, "from"), JobOperations.time(request, "to"));
        var behind = JobOperations.position(request, PublishedEventRepository.Position::new);
        return JobOperations.page(
                request,
                limit -> events.listEvents(request.tenant(), filter, behind, limit),
                event -> JobOperations.cursor(event.receivedAt(), event.id().value()),
                EventShapes::listed);
    }

    private Future<Answer> get(ApiRequest request) {
        return events.getEvent(request.tenant(), EventId.parse(request.text("eventId")))
                .map(event -> Answer.json(200, out -> EventShapes.event(out, event)));
    }

    private Future<Answer> register(ApiRequest request) {
        return events.by(request.change())
                .onEvent(request.tenant(), EventHandlerBody.read(request.body()), request.key())
                .map(handler -> answer(201, request, handler)
                        .with("Location", Contract.BASE_PATH + "/event-handlers/" + handler.id()));
    }

    private Future<Answer> handlers(ApiRequest request) {
        var filter = new EventHandlerRepository.Filter(request.optionalText("eventName"), Optional.ofNullable((Boolean)
                request.parameters().get("enabled")));
        var behind = JobOperations.position(request, JobListRepository.Position::new);
        return JobOperations.page(
                request,
                limit -> events.listHandlers(request.tenant(), filter, behind, limit),
                handler -> JobOperations.cursor(
                        handler.stored().createdAt(), handler.id().value()),
                (out, handler) -> EventShapes.handler(out, request.caller(), handler));
    }

    private Future<Answer> change(ApiRequest request) {
        return events.by(request.change())
                .changeHandler(
                        request.tenant(),
                        handlerId(request),
                        handler -> EventHandlerBody.change(handler, request.body()))
                .map(handler -> answer(200, request, handler));
    }

    private static JobId handlerId(ApiRequest request) {
        return JobId.parse(request.text("handlerId"));
    }

    private static Answer answer(int status, ApiRequest request, StoredHandler handler) {
        return Answer.json(status, out -> EventShapes.handler(out, request.caller(), handler));
    }
}
