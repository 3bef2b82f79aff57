package dev.orrery.api;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.event.NewEvent;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Reads events from a body that agrees with the contract: one, or several in {@code events}. */
final class EventBody {

    private static final List<String> FIELDS = List.of("name", "payload", "key", "source");

    private EventBody() {}

    /** {@code trace}: what they all belong to. */
    static List<NewEvent> read(JsonObject body, Optional<TraceContext> trace) {
        var several = body.getJsonArray("events");
        if (several == null) {
            if (body.getString("name") == null) {
                throw wrong("name", ProblemCode.MISSING_FIELD, "give an event's 'name', or several events as 'events'");
            }
            return List.of(event(body, trace));
        }
        for (var field : FIELDS) {
            if (body.containsKey(field)) {
                throw wrong(
                        field,
                        ProblemCode.CONFLICTING_FIELDS,
                        "beside 'events' there is no '" + field + "' of one event");
            }
        }
        return IntStream.range(0, several.size())
                .mapToObj(n -> event(several.getJsonObject(n), trace))
                .toList();
    }

    private static NewEvent event(JsonObject event, Optional<TraceContext> trace) {
        return new NewEvent(
                event.getString("name"),
                event.containsKey("payload") ? JsonBody.text(event.getMap().get("payload")) : Json.EMPTY_OBJECT,
                Optional.ofNullable(event.getString("key")),
                Optional.ofNullable(event.getString("source")),
                trace.map(TraceContext::traceparent),
                Optional.empty(),
                Optional.empty());
    }

    private static OrreryException wrong(String path, ProblemCode code, String message) {
        return new OrreryException(
                ErrorCode.VALIDATION_ERROR, "the body has 1 problem", List.of(Problem.at(path, code, message)));
    }
}
