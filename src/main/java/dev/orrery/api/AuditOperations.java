package dev.orrery.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.Json;
import dev.orrery.service.AuditService;
import dev.orrery.store.AuditRepository.Entry;
import dev.orrery.store.AuditRepository.Filter;
import io.vertx.core.Future;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** The operations tagged {@code Audit}. */
final class AuditOperations {

    private final AuditService audit;

    AuditOperations(AuditService audit) {
        this.audit = audit;
    }

    Map<String, Operation> byId() {
        return Map.of("listAudit", this::list);
    }

    private Future<Answer> list(ApiRequest request) {
        var filter = new Filter(
                request.optionalText("tenant"),
                request.optionalText("actor"),
                request.optionalText("operation"),
                request.optionalText("kind"),
                request.optionalText("resource"),
                JobOperations.time(request, "from"),
                JobOperations.time(request, "to"));
        var limit = Math.toIntExact(request.number("limit"));
        return audit.list(request.caller(), filter, behind(request.optionalText("cursor")), limit)
                .map(page -> Answer.json(200, out -> JsonShapes.cursorPage(out, page, AuditOperations::show)));
    }

    private static OptionalLong behind(Optional<String> cursor) {
        try {
            return cursor.map(Long::parseLong).map(OptionalLong::of).orElseGet(OptionalLong::empty);
        } catch (NumberFormatException _) {
            throw JobOperations.badCursor();
        }
    }

    private static void show(JsonGenerator out, Entry entry) throws IOException {
        out.writeStartObject();
        out.writeStringField("id", Long.toString(entry.id()));
        JsonShapes.time(out, "at", entry.at());
        out.writeStringField("tenant", entry.tenant());
        out.writeStringField("actor", entry.actor());
        JsonShapes.optional(out, "actorName", entry.actorName());
        out.writeStringField("operation", entry.operation());
        out.writeStringField("kind", entry.kind());
        JsonShapes.optional(out, "resource", entry.resource());
        out.writeNumberField("requests", entry.requests());
        out.writeFieldName("made");
        JsonShapes.array(out, entry.made(), (array, id) -> array.writeString(id.toString()));
        JsonShapes.optional(out, "address", entry.address());
        JsonShapes.optional(out, "trace", entry.trace());
        JsonShapes.optional(out, "idempotencyKey", entry.idempotencyKey());
        json(out, "before", entry.before());
        json(out, "after", entry.after());
        out.writeEndObject();
    }

    private static void json(JsonGenerator out, String field, Optional<Json> value) throws IOException {
        out.writeFieldName(field);
        out.writeRawValue(value.orElse(Json.NULL).text());
    }
}
