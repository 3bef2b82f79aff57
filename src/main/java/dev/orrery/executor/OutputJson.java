package dev.orrery.executor;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.orrery.domain.Json;
import dev.orrery.domain.JsonComplaint;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;

/**
 * Reads JSON that comes from outside into a form the store takes: compact, with bounded depth and numbers, and without
 * the NUL and lone surrogates that PostgreSQL refuses (each becomes U+FFFD).
 */
final class OutputJson {

    /** The largest output of a task, in bytes. */
    static final int LIMIT = 256 << 10;

    static final int MAX_DEPTH = 200;
    private static final int MAX_NUMBER_LENGTH = 1_000;
    private static final int MAX_NUMBER_SCALE = 1_000;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
                    .build())
            .build();

    private OutputJson() {}

    /** What reading made of a text: the value, or why there is none. */
    sealed interface Reading {

        record Value(Json json) implements Reading {}

        record Unreadable(String reason) implements Reading {}
    }

    /** Reads UTF-8; malformed bytes become U+FFFD. */
    static Reading read(byte[] utf8) {
        // Through a reader, since Jackson's own decoder refuses what Java's replaces.
        return read(new InputStreamReader(new ByteArrayInputStream(utf8), StandardCharsets.UTF_8));
    }

    static Reading read(String text) {
        return read(new StringReader(text));
    }

    private static Reading read(Reader text) {
        var compact = new StringWriter();
        try (var parser = FACTORY.createParser(text);
                var generator = FACTORY.createGenerator(compact)) {
            if (parser.nextToken() == null) {
                return new Reading.Unreadable("it is empty");
            }
            copyValue(parser, generator);
            if (parser.nextToken() != null) {
                return new Reading.Unreadable("something follows the value at " + place(parser));
            }
        } catch (JsonProcessingException wrong) {
            return new Reading.Unreadable(reason(wrong));
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return new Reading.Value(new Json(compact.toString()));
    }

    private static void copyValue(JsonParser parser, JsonGenerator generator) throws IOException {
        var depth = 0;
        do {
            var token = parser.currentToken();
            if (token == null) {
                // The parser reports a missing bracket itself; this is for the eyes of the compiler.
                throw new IllegalStateException("the text ended inside a value");
            }
            depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
            copyToken(token, parser, generator);
        } while (depth > 0 && parser.nextToken() != null);
    }

    private static void copyToken(JsonToken token, JsonParser parser, JsonGenerator generator) throws IOException {
        switch (token) {
            case FIELD_NAME -> generator.writeFieldName(LogText.clean(parser.currentName()));
            case VALUE_STRING -> generator.writeString(LogText.clean(parser.getText()));
            case VALUE_NUMBER_FLOAT -> generator.writeNumber(boundedNumber(parser));
            default -> generator.copyCurrentEvent(parser);
        }
    }

    /** The number as it is written: through a double it would lose digits. */
    private static String boundedNumber(JsonParser parser) throws IOException {
        var text = parser.getText();
        BigDecimal value;
        try {
            value = new BigDecimal(text);
        } catch (NumberFormatException beyondAll) {
            throw new JsonParseException(parser, "the number " + text + " is out of range");
        }
        if (Math.abs((long) value.scale()) > MAX_NUMBER_SCALE) {
            throw new JsonParseException(parser, "the number " + text + " is out of range");
        }
        return text;
    }

    private static String reason(JsonProcessingException wrong) {
        var message = JsonComplaint.of(wrong.getOriginalMessage());
        var location = wrong.getLocation();
        return location == null
                ? message
                : message + " at line " + location.getLineNr() + ", column " + location.getColumnNr();
    }

    private static String place(JsonParser parser) {
        var location = parser.currentTokenLocation();
        return "line " + location.getLineNr() + ", column " + location.getColumnNr();
    }
}
