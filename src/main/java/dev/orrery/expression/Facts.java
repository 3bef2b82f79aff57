package dev.orrery.expression;

import dev.orrery.domain.Json;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * What expressions are evaluated over. Made once for an event and used by all of its handlers: its JSON is read here. From
 * any thread; large JSON takes milliseconds, so make them off the event loop.
 */
public final class Facts {

    private final Map<String, Object> variables;

    private Facts(Scope scope, Map<String, Object> fields) {
        this.variables = Map.of(scope.variable(), fields);
    }

    /** In expressions: {@code event.name, event.key, event.source, event.id, event.receivedAt, event.payload}. */
    public static Facts ofEvent(
            String name, Optional<String> key, Optional<String> source, UUID id, Instant receivedAt, Json payload) {
        var fields = new HashMap<String, Object>();
        fields.put("name", name);
        key.ifPresent(given -> fields.put("key", given));
        source.ifPresent(given -> fields.put("source", given));
        fields.put("id", id.toString());
        fields.put("receivedAt", receivedAt);
        fields.put("payload", JsonValues.read(payload));
        return new Facts(Scope.EVENT, fields);
    }

    /** In expressions: {@code request.webhook, request.headers, request.body}; headers have names of small letters. */
    public static Facts ofRequest(String webhook, Map<String, String> headers, Json body) {
        var small = new HashMap<String, String>();
        headers.forEach((name, value) -> small.put(name.toLowerCase(Locale.ROOT), value));
        var fields = new HashMap<String, Object>();
        fields.put("webhook", webhook);
        fields.put("headers", small);
        fields.put("body", JsonValues.read(body));
        return new Facts(Scope.REQUEST, fields);
    }

    Map<String, Object> variables() {
        return variables;
    }
}
