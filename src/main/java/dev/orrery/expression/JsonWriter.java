package dev.orrery.expression;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.google.common.primitives.UnsignedLong;
import dev.cel.common.values.CelByteString;
import dev.cel.common.values.NullValue;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the values of expressions as JSON, up to a length: parts that a value holds many times are written as often, so a
 * small value can have a text without end. Times are written as RFC 3339, durations as seconds ({@code 5400s}), bytes as
 * Base64.
 */
final class JsonWriter {

    static final String NOT_STORABLE = "it gave a text that cannot be stored: with NUL, or half of a surrogate pair";

    /** Deeper JSON is refused by those who read it. */
    private static final int DEPTH_MAX = 500;

    private final StringBuilder text = new StringBuilder();
    private final int lengthMax;
    private int depth;

    JsonWriter(int lengthMax) {
        this.lengthMax = lengthMax;
    }

    String text() {
        return text.toString();
    }

    /** What is wrong with the value; nothing where all of it was written. */
    Optional<String> write(Object value) {
        var complaint = depth > DEPTH_MAX ? Optional.of("it gave a value of over 500 levels") : any(value);
        return complaint.isEmpty() && text.length() > lengthMax
                ? Optional.of("it gave over " + lengthMax + " characters of JSON")
                : complaint;
    }

    private Optional<String> any(Object value) {
        return switch (value) {
            case NullValue _ -> plain("null");
            case Boolean truth -> plain(truth.toString());
            case Long number -> plain(number.toString());
            case UnsignedLong number -> plain(number.toString());
            case BigInteger number -> plain(number.toString());
            case BigDecimal number -> plain(number.toString());
            case Double number
            when !Double.isFinite(number) -> Optional.of("it gave " + number + ", which JSON does not know");
            case Double number -> plain(number.toString());
            case String words -> words(words);
            case Instant time -> words(time.toString());
            case Duration duration -> words(seconds(duration));
            case CelByteString bytes -> words(Base64.getEncoder().encodeToString(bytes.toByteArray()));
            case Map<?, ?> map -> map(map);
            case Collection<?> list -> list(list);
            default -> Optional.of("it gave " + Answers.named(value));
        };
    }

    private Optional<String> plain(String written) {
        text.append(written);
        return Optional.empty();
    }

    private static String seconds(Duration duration) {
        var exact = BigDecimal.valueOf(duration.getSeconds()).add(BigDecimal.valueOf(duration.getNano(), 9));
        return exact.signum() == 0 ? "0s" : exact.stripTrailingZeros().toPlainString() + "s";
    }

    private Optional<String> words(String words) {
        if (!storable(words)) {
            return Optional.of(NOT_STORABLE);
        }
        if (words.length() > lengthMax - text.length()) {
            return Optional.of("it gave over " + lengthMax + " characters of JSON");
        }
        text.append('"');
        JsonStringEncoder.getInstance().quoteAsString(words, text);
        text.append('"');
        return Optional.empty();
    }

    /** Whether the database takes it. */
    static boolean storable(String words) {
        return words.codePoints().allMatch(letter -> letter != 0 && (letter < 0xD800 || letter > 0xDFFF));
    }

    private Optional<String> map(Map<?, ?> map) {
        var names = new HashSet<String>();
        var separator = "{";
        depth++;
        for (var entry : map.entrySet()) {
            var name = name(entry.getKey());
            if (!names.add(name)) {
                return Optional.of("it gave an object with two keys that are the same as texts");
            }
            text.append(separator);
            separator = ",";
            var complaint = words(name);
            if (complaint.isEmpty()) {
                text.append(':');
                complaint = write(entry.getValue());
            }
            if (complaint.isPresent()) {
                return complaint;
            }
        }
        depth--;
        return plain(map.isEmpty() ? "{}" : "}");
    }

    /** Keys are texts, whole numbers or truth values: the language has no others. */
    private static String name(Object key) {
        return key instanceof String words ? words : key.toString();
    }

    private Optional<String> list(Collection<?> list) {
        var separator = "[";
        depth++;
        for (var element : list) {
            text.append(separator);
            separator = ",";
            var complaint = write(element);
            if (complaint.isPresent()) {
                return complaint;
            }
        }
        depth--;
        return plain(list.isEmpty() ? "[]" : "]");
    }
}
