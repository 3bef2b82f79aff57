package dev.orrery.api;

import static dev.orrery.api.JsonShapes.json;
import static dev.orrery.api.JsonShapes.optional;
import static dev.orrery.api.JsonShapes.text;
import static dev.orrery.api.JsonShapes.texts;
import static dev.orrery.api.JsonShapes.time;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.Json;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.event.EventRule.Debounce;
import dev.orrery.domain.event.EventRule.Throttle;
import dev.orrery.domain.task.Durations;
import dev.orrery.service.EventService.PublishedEvent;
import dev.orrery.store.EventHandlerRepository.StoredHandler;
import dev.orrery.store.PublishedEventRepository.Delivery;
import dev.orrery.store.PublishedEventRepository.StoredEvent;
import java.io.IOException;

/** How events and their handlers look as JSON: the schemas of the contract, field by field. */
final class EventShapes {

    private EventShapes() {}

    /** As its publisher is told of it, who knows the payload. */
    static void published(JsonGenerator out, PublishedEvent published) throws IOException {
        out.writeStartObject();
        head(out, published.event());
        out.writeBooleanField("repeated", published.repeated());
        deliveries(out, published.event());
        out.writeEndObject();
    }

    static void listed(JsonGenerator out, StoredEvent event) throws IOException {
        out.writeStartObject();
        head(out, event);
        out.writeEndObject();
    }

    static void event(JsonGenerator out, StoredEvent event) throws IOException {
        out.writeStartObject();
        head(out, event);
        json(out, "payload", event.payload().orElse(Json.NULL));
        deliveries(out, event);
        out.writeEndObject();
    }

    private static void head(JsonGenerator out, StoredEvent event) throws IOException {
        text(out, "id", event.id());
        out.writeStringField("name", event.name());
        optional(out, "key", event.key());
        optional(out, "source", event.source());
        optional(out, "replayOf", event.replayOf());
        time(out, "receivedAt", event.receivedAt());
        out.writeNumberField("executionsCount", event.executions());
    }

    private static void deliveries(JsonGenerator out, StoredEvent event) throws IOException {
        out.writeFieldName("deliveries");
        JsonShapes.array(out, event.deliveries(), EventShapes::delivery);
    }

    private static void delivery(JsonGenerator out, Delivery delivery) throws IOException {
        out.writeStartObject();
        text(out, "handlerId", delivery.handler());
        out.writeStringField("outcome", delivery.outcome().wireName());
        optional(out, "executionId", delivery.execution());
        optional(out, "error", delivery.error());
        out.writeEndObject();
    }

    static void handler(JsonGenerator out, Tenant tenant, StoredHandler handler) throws IOException {
        var stored = handler.stored();
        out.writeStartObject();
        text(out, "id", handler.id());
        out.writeStringField("name", stored.job().name());
        out.writeStringField("eventName", handler.rule().eventName());
        out.writeBooleanField("enabled", handler.enabled());
        out.writeStringField("status", stored.status().wireName());
        optional(out, "filter", handler.rule().filter());
        optional(out, "payloadMapping", handler.rule().payloadMapping());
        out.writeFieldName("debounce");
        if (handler.rule().debounce().isPresent()) {
            debounce(out, handler.rule().debounce().get());
        } else {
            out.writeNull();
        }
        out.writeFieldName("throttle");
        if (handler.rule().throttle().isPresent()) {
            throttle(out, handler.rule().throttle().get());
        } else {
            out.writeNull();
        }
        JobShapes.work(out, stored);
        JobShapes.counts(out, stored);
        time(out, "lastRun", stored.lastRun());
        texts(out, "tags", stored.job().tags());
        json(out, "metadata", stored.job().metadata().orElse(Json.NULL));
        out.writeStringField("platformId", tenant.name());
        optional(out, "createdBy", stored.job().createdBy());
        time(out, "createdAt", stored.createdAt());
        time(out, "updatedAt", stored.updatedAt());
        out.writeEndObject();
    }

    private static void debounce(JsonGenerator out, Debounce debounce) throws IOException {
        out.writeStartObject();
        out.writeStringField("wait", Durations.text(debounce.quiet()));
        optional(out, "maxWait", debounce.maxWait().map(Durations::text));
        optional(out, "key", debounce.key());
        out.writeEndObject();
    }

    private static void throttle(JsonGenerator out, Throttle throttle) throws IOException {
        out.writeStartObject();
        out.writeNumberField("limit", throttle.limit());
        out.writeStringField("per", Durations.text(throttle.per()));
        optional(out, "key", throttle.key());
        out.writeEndObject();
    }
}
