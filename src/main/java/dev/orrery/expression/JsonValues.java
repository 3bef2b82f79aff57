package dev.orrery.expression;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.google.common.primitives.UnsignedLong;
import dev.cel.common.values.NullValue;
import dev.orrery.domain.Json;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON as values that expressions work on. Whole numbers stay what they are, whatever their size: those beyond 64 bits can
 * be passed on, not reckoned with. Other numbers are doubles, and beyond the largest double passed on only.
 */
final class JsonValues {

    private static final JsonFactory FACTORY = new JsonFactory();
    private static final BigInteger UNSIGNED_MAX = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    private JsonValues() {}

    static Object read(Json json) {
        try (var parser = FACTORY.createParser(json.text())) {
            parser.nextToken();
            return value(parser);
        } catch (IOException broken) {
            throw new IllegalStateException("what was checked as JSON is none", broken);
        }
    }

    private static Object value(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> list(parser);
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT -> whole(parser);
            case VALUE_NUMBER_FLOAT -> decimal(parser);
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case null, default -> NullValue.NULL_VALUE;
        };
    }

    private static Map<String, Object> object(JsonParser parser) throws IOException {
        var object = new LinkedHashMap<String, Object>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            var name = parser.currentName();
            parser.nextToken();
            object.put(name, value(parser));
        }
        return Collections.unmodifiableMap(object);
    }

    private static List<Object> list(JsonParser parser) throws IOException {
        var list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            list.add(value(parser));
        }
        return Collections.unmodifiableList(list);
    }

    private static Object whole(JsonParser parser) throws IOException {
        if (parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER) {
            return parser.getLongValue();
        }
        var large = parser.getBigIntegerValue();
        return large.signum() > 0 && large.compareTo(UNSIGNED_MAX) <= 0 ? UnsignedLong.valueOf(large) : large;
    }

    private static Object decimal(JsonParser parser) throws IOException {
        var near = parser.getDoubleValue();
        return Double.isFinite(near) ? (Object) near : parser.getDecimalValue();
    }
}
