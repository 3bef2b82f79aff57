package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.Nearest;
import dev.orrery.domain.ProblemCode;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.json.schema.OutputUnit;
import java.net.URLDecoder;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Says what disagrees with a schema. The library's verdict names the keyword and the place; the words are ours, and they say how to
 * mend it. Errors that only repeat that something inside is wrong are left out.
 */
final class SchemaProblems {

    private static final int SHOWN = 60;

    /**
     * One disagreement.
     *
     * @param place names of fields and numbers of elements, from the outside in
     */
    record Finding(List<String> place, ProblemCode code, String message, Optional<String> help) {}

    private SchemaProblems() {}

    /** Everything that is wrong; empty where the verdict is good. */
    static Set<Finding> of(JsonObject schema, @Nullable Object instance, OutputUnit verdict) {
        var findings = new LinkedHashSet<Finding>();
        if (!Boolean.TRUE.equals(verdict.getValid()) && verdict.getErrors() != null) {
            verdict.getErrors().forEach(unit -> findings.addAll(describe(schema, instance, unit)));
        }
        return findings;
    }

    private static List<Finding> describe(JsonObject root, @Nullable Object instance, OutputUnit unit) {
        var keywords = steps(unit.getKeywordLocation());
        keywords.removeIf("$ref"::equals);
        if (keywords.isEmpty()) {
            return List.of();
        }
        var keyword = keywords.removeLast();
        var schema = schemaAt(root, keywords);
        var place = List.copyOf(steps(unit.getInstanceLocation()));
        var value = valueAt(instance, place);
        return switch (keyword) {
            case "required" -> missing(schema, value, place);
            case "additionalProperties" -> unknown(schema, place);
            case "type" -> one(place, ProblemCode.WRONG_TYPE, "expected " + types(schema) + ", found " + typeOf(value));
            case "enum" -> List.of(notOneOf(schema, value, place));
            case "minimum", "maximum" ->
                one(
                        place,
                        ProblemCode.OUT_OF_RANGE,
                        value + " is out of range",
                        "a number from " + range(schema, "imum"));
            case "minLength", "maxLength" ->
                one(
                        place,
                        ProblemCode.OUT_OF_RANGE,
                        "has " + length(value) + " characters",
                        range(schema, "Length") + " characters");
            case "pattern" -> List.of(wrongForm(schema, value, place));
            case "format" -> schema.containsKey("pattern") ? List.of() : List.of(wrongForm(schema, value, place));
            default -> List.of();
        };
    }

    private static List<Finding> missing(JsonObject schema, @Nullable Object value, List<String> place) {
        var present = value instanceof Map<?, ?> object ? object.keySet() : Set.of();
        return schema.getJsonArray("required", new JsonArray()).stream()
                .map(Object::toString)
                .filter(name -> !present.contains(name))
                .map(name -> new Finding(
                        place, ProblemCode.MISSING_FIELD, "the field '" + name + "' is missing", Optional.empty()))
                .toList();
    }

    /** The library calls a known field unknown where its value is wrong: those are told by their own errors. */
    private static List<Finding> unknown(JsonObject schema, List<String> place) {
        var known = schema.getJsonObject("properties", new JsonObject()).fieldNames().stream()
                .filter(name -> !name.startsWith("__"))
                .toList();
        var name = place.isEmpty() ? "" : place.getLast();
        return known.contains(name)
                ? List.of()
                : one(place, ProblemCode.UNKNOWN_FIELD, "unknown field '" + shown(name) + "'", hint(name, known));
    }

    private static Finding notOneOf(JsonObject schema, @Nullable Object value, List<String> place) {
        var known = schema.getJsonArray("enum").stream().map(String::valueOf).toList();
        var written = String.valueOf(value);
        return new Finding(
                place,
                ProblemCode.INVALID_VALUE,
                "'" + shown(written) + "' is not a value it can have",
                Optional.of(hint(written, known)));
    }

    private static Finding wrongForm(JsonObject schema, @Nullable Object value, List<String> place) {
        var form = schema.getString("format", "").equals("uuid")
                ? "a UUID such as 01980f6e-3c00-7000-8b2d-5f3100000000"
                : "of the form " + schema.getString("pattern", schema.getString("format", ""));
        return new Finding(
                place,
                ProblemCode.INVALID_VALUE,
                "'" + shown(String.valueOf(value)) + "' does not have the right form",
                Optional.of("it must be " + form));
    }

    /** What was meant, or all there is. */
    static String hint(String written, List<String> known) {
        return Nearest.to(written, known)
                .map(name -> "did you mean '" + name + "'?")
                .orElse(known.isEmpty() ? "there are none" : "possible: " + String.join(", ", known));
    }

    static String shown(String text) {
        var start = text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
        return start.codePoints()
                .map(c -> Character.isISOControl(c) ? '\uFFFD' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static List<Finding> one(List<String> place, ProblemCode code, String message) {
        return List.of(new Finding(place, code, message, Optional.empty()));
    }

    private static List<Finding> one(List<String> place, ProblemCode code, String message, String help) {
        return List.of(new Finding(place, code, message, Optional.of(help)));
    }

    private static String range(JsonObject schema, String suffix) {
        var min = schema.getValue("min" + suffix);
        var max = schema.getValue("max" + suffix);
        return max == null ? min + " or more" : (min == null ? 0 : min) + " to " + max;
    }

    private static int length(@Nullable Object value) {
        return value instanceof String text ? text.codePointCount(0, text.length()) : 0;
    }

    private static String types(JsonObject schema) {
        var type = schema.getValue("type");
        var names = type instanceof JsonArray several ? several.stream() : Stream.of(type);
        return String.join(" or ", names.map(SchemaProblems::called).toList());
    }

    private static String typeOf(@Nullable Object value) {
        return called(
                switch (value) {
                    case null -> "null";
                    case String _ -> "string";
                    case Boolean _ -> "boolean";
                    case Number _ -> "number";
                    case Map<?, ?> _ -> "object";
                    default -> "array";
                });
    }

    private static String called(Object type) {
        return switch (type.toString()) {
            case "integer" -> "a whole number";
            case "boolean" -> "true or false";
            case "object" -> "an object";
            case "array" -> "an array";
            case "null" -> "null";
            default -> "a " + type;
        };
    }

    private static JsonObject schemaAt(JsonObject root, List<String> keywords) {
        Object schema = root;
        for (var step : keywords) {
            schema = schema instanceof JsonObject object ? object.getValue(step) : null;
        }
        return schema instanceof JsonObject object ? object : new JsonObject();
    }

    private static @Nullable Object valueAt(@Nullable Object instance, List<String> place) {
        var value = instance;
        for (var step : place) {
            value = switch (value) {
                case Map<?, ?> object -> object.get(step);
                case List<?> array -> array.get(Integer.parseInt(step));
                case null, default -> null;
            };
        }
        return value;
    }

    /** The steps of {@code #/a/b~1c}: a JSON pointer inside a URL. */
    private static List<String> steps(String pointer) {
        var steps = new ArrayList<String>();
        for (var step : pointer.substring(pointer.indexOf('#') + 1).split("/")) {
            if (!step.isEmpty()) {
                steps.add(URLDecoder.decode(step.replace("+", "%2B"), UTF_8)
                        .replace("~1", "/")
                        .replace("~0", "~"));
            }
        }
        return steps;
    }
}
