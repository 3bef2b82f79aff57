package dev.orrery.expression;

import com.google.common.primitives.UnsignedLong;
import dev.cel.common.types.CelType;
import dev.cel.common.values.CelByteString;
import dev.cel.common.values.NullValue;
import dev.orrery.domain.Json;
import dev.orrery.expression.Expression.Result;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/** Takes what an expression came to as what was wanted of it. */
final class Answers {

    private Answers() {}

    static Result<Boolean> truth(Object value) {
        return value instanceof Boolean truth
                ? new Result.Value<>(truth)
                : new Result.Failed<>("it gave " + named(value) + ", and must give true or false");
    }

    static Result<Json> json(Object value) {
        var writer = new JsonWriter(Expression.RESULT_MAX);
        return writer.write(value)
                .<Result<Json>>map(Result.Failed::new)
                .orElseGet(() -> new Result.Value<>(new Json(writer.text())));
    }

    static Result<String> text(Object value) {
        return switch (value) {
            case String text -> checked(text);
            case Long number -> new Result.Value<>(number.toString());
            case UnsignedLong number -> new Result.Value<>(number.toString());
            case Boolean truth -> new Result.Value<>(truth.toString());
            default -> new Result.Failed<>("it gave " + named(value) + ", and must give a text");
        };
    }

    private static Result<String> checked(String text) {
        if (text.isEmpty()) {
            return new Result.Failed<>("it gave an empty text");
        }
        if (text.length() > Expression.KEY_MAX) {
            return new Result.Failed<>(
                    "it gave a text of " + text.length() + " characters; at most " + Expression.KEY_MAX + " are taken");
        }
        return JsonWriter.storable(text) ? new Result.Value<>(text) : new Result.Failed<>(JsonWriter.NOT_STORABLE);
    }

    /** What kind of value it is, as people say. */
    static String named(Object value) {
        return switch (value) {
            case NullValue _ -> "null";
            case String _ -> "a text";
            case Long _, UnsignedLong _, Double _, Number _ -> "a number";
            case Boolean _ -> "true or false";
            case Map<?, ?> _ -> "an object";
            case Collection<?> _ -> "a list";
            case CelByteString _ -> "bytes";
            case Instant _ -> "a time";
            case Duration _ -> "a duration";
            case Optional<?> _ -> "an optional value (end it with orValue(…))";
            case CelType _ -> "a type";
            default -> "a value that JSON does not know";
        };
    }
}
