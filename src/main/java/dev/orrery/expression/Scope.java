package dev.orrery.expression;

import dev.cel.common.types.CelType;
import dev.cel.common.types.MapType;
import dev.cel.common.types.SimpleType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What an expression may speak of: one variable and its fields. */
enum Scope {
    EVENT(
            "event",
            field("name", SimpleType.STRING),
            field("key", SimpleType.STRING),
            field("source", SimpleType.STRING),
            field("id", SimpleType.STRING),
            field("receivedAt", SimpleType.TIMESTAMP),
            field("payload", SimpleType.DYN)),
    REQUEST(
            "request",
            field("webhook", SimpleType.STRING),
            field("headers", MapType.create(SimpleType.STRING, SimpleType.STRING)),
            field("body", SimpleType.DYN));

    private final String variable;
    private final Map<String, CelType> fields = new LinkedHashMap<>();

    @SafeVarargs
    Scope(String variable, Map.Entry<String, CelType>... fields) {
        this.variable = variable;
        for (var field : fields) {
            this.fields.put(field.getKey(), field.getValue());
        }
    }

    private static Map.Entry<String, CelType> field(String name, CelType type) {
        return Map.entry(name, type);
    }

    String variable() {
        return variable;
    }

    /** A part of what came in, for messages. */
    String example() {
        return this == EVENT ? "event.payload.status" : "request.body.status";
    }

    Map<String, CelType> fields() {
        return fields;
    }

    List<String> fieldNames() {
        return List.copyOf(fields.keySet());
    }
}
