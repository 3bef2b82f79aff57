package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.JsonComplaint;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A JSON body: parsed within limits, duplicate fields refused, numbers kept as they were written, and free of what the database
 * cannot keep. It knows the line and column of everything in it.
 */
final class JsonBody {

    private static final int MAX_DEPTH = 100;
    private static final int MAX_EXPONENT = 1_000;
    private static final int SHOWN = 40;
    private static final int DECODED_AT_ONCE = 8 * 1024;

    private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .maxStringLength(BodyReader.MAX_BYTES)
                            .build())
                    .build())
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final byte[] bytes;
    private final @Nullable Object value;

    private JsonBody(byte[] bytes, @Nullable Object value) {
        this.bytes = bytes;
        this.value = value;
    }

    /** Reads it, or throws an OrreryException that says what is wrong and where. */
    static JsonBody parse(byte[] bytes) {
        refuseOtherEncodings(bytes);
        try {
            var body = new JsonBody(bytes, MAPPER.readValue(bytes, Object.class));
            body.refuseWhatCannotBeKept();
            return body;
        } catch (JsonProcessingException e) {
            throw malformed(e);
        } catch (IOException e) {
            throw new UncheckedIOException("reading from memory", e);
        }
    }

    /** The parser would guess at UTF-16 and UTF-32, and take a character that is written longer than it may be. */
    static void refuseOtherEncodings(byte[] bytes) {
        var in = ByteBuffer.wrap(bytes);
        var out = CharBuffer.allocate(DECODED_AT_ONCE);
        var decoder = UTF_8.newDecoder();
        var result = CoderResult.OVERFLOW;
        while (result.isOverflow()) {
            out.clear();
            result = decoder.decode(in, out, true);
        }
        var hasZero = bytes.length > 1 && (bytes[0] == 0 || bytes[1] == 0);
        if (result.isError() || hasZero) {
            var message =
                    hasZero ? "the body is not UTF-8" : "byte " + (in.position() + 1) + " begins no character of UTF-8";
            throw malformed(0, 0, message);
        }
    }

    /** The compact text of a part of a body. */
    static Json text(@Nullable Object part) {
        try {
            return new Json(MAPPER.writeValueAsString(part instanceof JsonObject object ? object.getMap() : part));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("writing to memory", e);
        }
    }

    /** An object that {@link #text} made, its numbers as they were written. */
    static JsonObject object(Json json) {
        try {
            return new JsonObject(MAPPER.readValue(json.text(), new TypeReference<Map<String, Object>>() {}));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("reading from memory", e);
        }
    }

    /** What it holds: a Map, a List, a String, a Number, a Boolean or null. */
    @Nullable Object value() {
        return value;
    }

    /** A problem of the thing at this place: names of fields and numbers of elements, from the outside in. */
    Problem problem(List<String> place, ProblemCode code, String message, Optional<String> help) {
        try (var parser = MAPPER.createParser(bytes)) {
            return find(parser, place, code, message, help);
        } catch (IOException e) {
            throw new UncheckedIOException("reading from memory", e);
        }
    }

    private static Problem find(
            JsonParser parser, List<String> place, ProblemCode code, String message, Optional<String> help)
            throws IOException {
        var wanted = pointer(place);
        while (parser.nextToken() != null) {
            if (parser.getParsingContext().pathAsPointer().toString().equals(wanted) || place.isEmpty()) {
                var at = parser.currentTokenLocation();
                return new Problem(code, at.getLineNr(), at.getColumnNr(), dotted(parser, place), message, help);
            }
        }
        return new Problem(code, 0, 0, String.join(".", place), message, help);
    }

    private static String pointer(List<String> place) {
        var pointer = new StringBuilder();
        for (var step : place) {
            pointer.append('/').append(step.replace("~", "~0").replace("/", "~1"));
        }
        return pointer.toString();
    }

    /** {@code params.days[2]}: elements are told from fields by where the parser stands. */
    private static String dotted(JsonParser parser, List<String> place) {
        var kinds = new ArrayList<Boolean>();
        for (var context = parser.getParsingContext(); context != null; context = context.getParent()) {
            if (!context.inRoot()) {
                kinds.addFirst(context.inArray());
            }
        }
        var path = new StringBuilder();
        for (var i = 0; i < place.size(); i++) {
            if (i < kinds.size() && kinds.get(i)) {
                path.append('[').append(place.get(i)).append(']');
            } else {
                path.append(path.isEmpty() ? "" : ".").append(place.get(i));
            }
        }
        return path.toString();
    }

    private static OrreryException malformed(JsonProcessingException e) {
        var at = e.getLocation();
        var line = at == null ? 0 : Math.max(0, at.getLineNr());
        var column = at == null ? 0 : Math.max(0, at.getColumnNr());
        var message = JsonComplaint.of(e.getOriginalMessage());
        return malformed(line, column, message);
    }

    private static OrreryException malformed(int line, int column, String message) {
        var problem = new Problem(ProblemCode.MALFORMED_JSON, line, column, "", message, Optional.empty());
        return new OrreryException(ErrorCode.PARSE_ERROR, "the body is not well-formed JSON", List.of(problem));
    }

    private void refuseWhatCannotBeKept() {
        var problems = new ArrayList<Problem>();
        search(value, new ArrayList<>(), problems);
        if (!problems.isEmpty()) {
            throw new OrreryException(ErrorCode.VALIDATION_ERROR, "the body holds what cannot be kept", problems);
        }
    }

    private void search(@Nullable Object part, List<String> place, List<Problem> problems) {
        switch (part) {
            case Map<?, ?> object ->
                object.forEach((name, field) -> within(place, name.toString(), () -> {
                    refuseText(name.toString(), place, problems);
                    search(field, place, problems);
                }));
            case List<?> array -> {
                for (var i = 0; i < array.size(); i++) {
                    var element = array.get(i);
                    within(place, Integer.toString(i), () -> search(element, place, problems));
                }
            }
            case String text -> refuseText(text, place, problems);
            case BigDecimal number -> refuseNumber(number, place, problems);
            case null, default -> {}
        }
    }

    private static void within(List<String> place, String step, Runnable search) {
        place.addLast(step);
        search.run();
        place.removeLast();
    }

    private void refuseText(String text, List<String> place, List<Problem> problems) {
        if (problems.isEmpty() && !isStorable(text)) {
            problems.add(problem(
                    place,
                    ProblemCode.INVALID_VALUE,
                    "the text holds U+0000 or half of a surrogate pair",
                    Optional.of("leave the character out")));
        }
    }

    /** Whether PostgreSQL can keep the text: no U+0000, no half of a surrogate pair. */
    static boolean isStorable(String text) {
        for (var i = 0; i < text.length(); i++) {
            var c = text.charAt(i);
            if (c == 0 || Character.isLowSurrogate(c)) {
                return false;
            }
            if (Character.isHighSurrogate(c)) {
                i++;
                if (i == text.length() || !Character.isLowSurrogate(text.charAt(i))) {
                    return false;
                }
            }
        }
        return true;
    }

    private void refuseNumber(BigDecimal number, List<String> place, List<Problem> problems) {
        if (problems.isEmpty() && Math.abs((long) number.scale()) > MAX_EXPONENT) {
            var shown = number.toString();
            var message = shown.substring(0, Math.min(SHOWN, shown.length())) + " is too large or too small a number";
            problems.add(problem(place, ProblemCode.OUT_OF_RANGE, message, Optional.of("send it as a string")));
        }
    }
}
