package dev.orrery.executor;

import dev.orrery.bus.BusMessage.HandlerReply;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.handler.NoRetryException;
import io.vertx.core.json.EncodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What becomes of the result of a handler that strangers wrote, and of its failure. */
final class HandlerResult {

    private static final int MESSAGE_LIMIT = 2_000;
    private static final int STACK_LINES = 60;

    private HandlerResult() {}

    /** The reply with this result as its output; refuses what cannot be one. */
    static HandlerReply reply(String handler, @Nullable Object result) {
        var text = json(handler, result);
        if (text.length() > OutputJson.LIMIT) {
            throw refused("handler '" + handler + "' replied more than " + OutputJson.LIMIT / 1024 + " KiB");
        }
        return new HandlerReply(new Json(text), List.of());
    }

    private static String json(String handler, @Nullable Object result) {
        return switch (result) {
            case null -> Json.NULL.text();
            case CharSequence _, Number _, Boolean _, JsonObject _, JsonArray _, Map<?, ?> _, List<?> _ ->
                encoded(handler, result);
            default ->
                throw refused(
                        "handler '" + handler + "' replied a "
                                + result.getClass().getName()
                                + "; it may reply null, a text, a number, a boolean, a JsonObject, a JsonArray, a Map or a List");
        };
    }

    private static String encoded(String handler, Object result) {
        try {
            // The copy refuses what is no JSON, deep inside too, where a library might make fields of anything.
            var plain = new JsonArray().add(result).copy();
            return io.vertx.core.json.Json.encode(plain.getValue(0));
        } catch (EncodeException | IllegalStateException wrong) {
            throw refused("the reply of handler '" + handler + "' cannot be written as JSON: " + wrong.getMessage());
        }
    }

    private static OrreryException refused(String message) {
        return new OrreryException(ErrorCode.VALIDATION_ERROR, message);
    }

    /** The failure as it goes to the caller: with a code that says whether another try makes sense. */
    static OrreryException failure(Throwable cause) {
        if (cause instanceof OrreryException ours) {
            return ours;
        }
        var code = cause instanceof NoRetryException ? ErrorCode.VALIDATION_ERROR : ErrorCode.INTERNAL_ERROR;
        return new OrreryException(code, message(cause), cause);
    }

    private static String message(Throwable cause) {
        var text = Optional.ofNullable(cause.getMessage())
                .filter(message -> !message.isBlank() && isPlain(cause))
                .orElseGet(cause::toString);
        return text.length() <= MESSAGE_LIMIT ? text : text.substring(0, MESSAGE_LIMIT) + "…";
    }

    /** Whose name would tell nothing that its message does not. */
    private static boolean isPlain(Throwable cause) {
        return cause instanceof NoRetryException
                || cause.getClass() == Exception.class
                || cause.getClass() == RuntimeException.class
                || cause.getClass() == IllegalStateException.class
                || cause.getClass() == IllegalArgumentException.class
                || !hasTrace(cause);
    }

    /** A failure made of a message alone has none. */
    static boolean hasTrace(Throwable cause) {
        return cause.getStackTrace().length > 0;
    }

    /** The trace for the log of the attempt, cut after some lines. */
    static String trace(Throwable cause) {
        var text = new StringWriter();
        cause.printStackTrace(new PrintWriter(text));
        var lines = text.toString().lines().toList();
        var shown = lines.stream().limit(STACK_LINES).collect(Collectors.joining("\n"));
        return lines.size() <= STACK_LINES ? shown : shown + "\n\t... " + (lines.size() - STACK_LINES) + " lines more";
    }
}
