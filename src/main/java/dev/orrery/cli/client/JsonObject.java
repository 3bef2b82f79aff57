package dev.orrery.cli.client;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.orrery.domain.JsonComplaint;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object as a node sent it, read leniently: a field that is missing, {@code null} or of another type than asked
 * for is absent, so that a newer node may say more or less than we know.
 */
public final class JsonObject {

    private static final JsonFactory JSON = new JsonFactory();

    private final Map<String, @Nullable Object> fields;

    private JsonObject(Map<String, @Nullable Object> fields) {
        this.fields = fields;
    }

    /** Reads an object; throws {@link NotJson} for anything else. */
    public static JsonObject parse(String text) {
        if (read(text) instanceof JsonObject object) {
            return object;
        }
        throw new NotJson("not a JSON object");
    }

    /** Reads an array of objects; throws {@link NotJson} for anything else. */
    public static List<JsonObject> parseList(String text) {
        if (read(text) instanceof List<?> list) {
            return objects(list);
        }
        throw new NotJson("not a JSON array");
    }

    private static @Nullable Object read(String text) {
        try (var parser = JSON.createParser(text)) {
            parser.nextToken();
            var value = value(parser);
            if (parser.nextToken() != null) {
                throw new NotJson("something follows the value");
            }
            return value;
        } catch (JsonProcessingException malformed) {
            var place = malformed.getLocation();
            throw new NotJson(JsonComplaint.of(malformed.getOriginalMessage())
                    + (place == null ? "" : " at " + place.getLineNr() + ":" + place.getColumnNr()));
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    /** Jackson bounds the depth of nesting, so this recursion ends. */
    private static @Nullable Object value(JsonParser parser) throws IOException {
        var token = parser.currentToken();
        if (token == null) {
            throw new NotJson("empty");
        }
        return switch (token) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT -> parser.getNumberValue();
            case VALUE_NUMBER_FLOAT -> parser.getDecimalValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
    }

    private static JsonObject object(JsonParser parser) throws IOException {
        var fields = new LinkedHashMap<String, @Nullable Object>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var name = parser.currentName();
            parser.nextToken();
            fields.put(name, value(parser));
        }
        return new JsonObject(fields);
    }

    private static List<@Nullable Object> array(JsonParser parser) throws IOException {
        var values = new ArrayList<@Nullable Object>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            values.add(value(parser));
        }
        return values;
    }

    public Optional<String> text(String name) {
        return fields.get(name) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    /** The text of this field, or nothing at all where it is absent. */
    public String textOrEmpty(String name) {
        return text(name).orElse("");
    }

    /** The number of this field, 0 where it is absent. */
    public int integer(String name) {
        return fields.get(name) instanceof Number number ? number.intValue() : 0;
    }

    /** As {@link #integer}, for numbers that may be great. */
    public long number(String name) {
        return fields.get(name) instanceof Number number ? number.longValue() : 0;
    }

    public Optional<Boolean> flag(String name) {
        return fields.get(name) instanceof Boolean flag ? Optional.of(flag) : Optional.empty();
    }

    public Optional<Instant> time(String name) {
        try {
            return text(name).map(Instant::parse);
        } catch (DateTimeException notATime) {
            return Optional.empty();
        }
    }

    public Optional<JsonObject> object(String name) {
        return fields.get(name) instanceof JsonObject object ? Optional.of(object) : Optional.empty();
    }

    /** The objects in this array; none where it is absent. */
    public List<JsonObject> objects(String name) {
        return fields.get(name) instanceof List<?> list ? objects(list) : List.of();
    }

    /** The texts in this array; none where it is absent. */
    public List<String> texts(String name) {
        return fields.get(name) instanceof List<?> list
                ? list.stream()
                        .filter(String.class::isInstance)
                        .map(String.class::cast)
                        .toList()
                : List.of();
    }

    /** The value of this field as it is: an object, a list, a text, a number, a flag or {@code null}. */
    public @Nullable Object value(String name) {
        return fields.get(name);
    }

    /** The value of this field as JSON text; absent where the field is, or is {@code null}. */
    public Optional<String> json(String name) {
        var value = fields.get(name);
        return value == null ? Optional.empty() : Optional.of(write(value));
    }

    private static List<JsonObject> objects(List<?> list) {
        return list.stream()
                .filter(JsonObject.class::isInstance)
                .map(JsonObject.class::cast)
                .toList();
    }

    /** This object with one more field in front. */
    public JsonObject withFirst(String name, String value) {
        var more = new LinkedHashMap<String, @Nullable Object>();
        more.put(name, value);
        more.putAll(fields);
        return new JsonObject(more);
    }

    /** This object with this field, in place of one of that name. */
    public JsonObject with(String name, @Nullable Object value) {
        var more = new LinkedHashMap<>(fields);
        more.put(name, value);
        return new JsonObject(more);
    }

    /** An object of these texts, in this order; a value that is {@code null} is written as such. */
    public static JsonObject of(Map<String, ? extends @Nullable Object> fields) {
        return new JsonObject(new LinkedHashMap<>(fields));
    }

    /** Compact JSON on one line. */
    @Override
    public String toString() {
        return write(this);
    }

    /** Compact JSON of objects, lists, texts, numbers, booleans and {@code null}. */
    public static String write(@Nullable Object value) {
        var text = new StringWriter();
        try (var generator = JSON.createGenerator(text)) {
            write(value, generator);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.toString();
    }

    private static void write(@Nullable Object value, JsonGenerator to) throws IOException {
        switch (value) {
            case null -> to.writeNull();
            case JsonObject object -> {
                to.writeStartObject();
                for (var field : object.fields.entrySet()) {
                    to.writeFieldName(field.getKey());
                    write(field.getValue(), to);
                }
                to.writeEndObject();
            }
            case List<?> list -> {
                to.writeStartArray();
                for (var element : list) {
                    write(element, to);
                }
                to.writeEndArray();
            }
            case Boolean flag -> to.writeBoolean(flag);
            case Number number -> to.writeNumber(number.toString());
            default -> to.writeString(value.toString());
        }
    }
}
