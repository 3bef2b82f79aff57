package dev.orrery.api;

import static java.lang.System.Logger.Level.ERROR;
import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.store.StoreFailures;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.VertxException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Tells callers what went wrong, as an {@code ApiError}; what is our own fault goes to the log, and only its id to the caller. */
final class Failures {

    static final String OVERLOADED_SECONDS = "1";
    static final String UNAVAILABLE_SECONDS = "2";

    private static final System.Logger LOG = System.getLogger(Failures.class.getName());

    private Failures() {}

    /** Answers a request that failed on its way. */
    static void answer(RoutingContext context) {
        var response = context.response();
        if (response.headWritten()) {
            hangUp(context);
        } else {
            write(context.request(), asOrrery(context));
        }
    }

    /** Answers with an error where nothing else was answered yet. */
    static void write(HttpServerRequest request, OrreryException error) {
        var response = request.response();
        if (response.ended() || response.closed()) {
            return;
        }
        addHeaders(response, error.code());
        var body = Answer.json(error.code().status(), out -> writeError(out, error));
        Responses.send(request, body);
    }

    /** What the HTTP server could not even read as a request. */
    static void unreadable(HttpServerRequest request) {
        var cause = request.decoderResult().cause();
        var message = switch (cause) {
            case TooLongHttpLineException _ -> "the request line is too long";
            case TooLongHttpHeaderException _ -> "the headers are too long";
            case null, default -> "this is not HTTP";
        };
        request.response().putHeader(HttpHeaders.CONNECTION, "close");
        write(request, new OrreryException(ErrorCode.BAD_REQUEST, message));
    }

    /** Half an answer is out: only the broken connection can still tell that something is missing. */
    private static void hangUp(RoutingContext context) {
        var failure = context.failure();
        var known = failure == null || failure instanceof OrreryException || failure instanceof TimeoutException;
        if (!known && !context.response().closed()) {
            LOG.log(ERROR, "event=answer_broken_off path=" + context.request().path(), failure);
        }
        context.request().connection().close();
    }

    private static OrreryException asOrrery(RoutingContext context) {
        var thrown = context.failure();
        var failure = isOfHttp(thrown) ? thrown : StoreFailures.told(requireNonNull(thrown));
        return switch (failure) {
            case OrreryException known -> known;
            case TimeoutException _ ->
                new OrreryException(
                        ErrorCode.UNAVAILABLE, "no answer in time; repeat with the same Idempotency-Key to be safe");
            case HttpException http when http.getStatusCode() < 500 -> ofStatus(http.getStatusCode());
            case null -> ofStatus(context.statusCode());
            default -> context.statusCode() == 400 ? ofStatus(400) : ourFault(context, failure);
        };
    }

    /** What the HTTP server says of a request comes from no database, though the client of the database uses the same class. */
    private static boolean isOfHttp(@Nullable Throwable failure) {
        return failure == null || failure instanceof HttpException || failure.getClass() == VertxException.class;
    }

    private static OrreryException ofStatus(int status) {
        return switch (status) {
            case 404 -> new OrreryException(ErrorCode.NOT_FOUND, "there is nothing at this path");
            case 405 -> new OrreryException(ErrorCode.METHOD_NOT_ALLOWED, "the path does not take this method");
            default -> new OrreryException(ErrorCode.BAD_REQUEST, "the request line or a header is wrong");
        };
    }

    private static OrreryException ourFault(RoutingContext context, @Nullable Throwable failure) {
        var id = UUID.randomUUID();
        var request = context.request();
        LOG.log(ERROR, "event=fault id=" + id + " method=" + request.method() + " path=" + request.path(), failure);
        return new OrreryException(ErrorCode.INTERNAL_ERROR, "a fault of Orrery's own; the log knows it as " + id);
    }

    private static void addHeaders(HttpServerResponse response, ErrorCode code) {
        switch (code) {
            case UNAUTHORIZED -> response.putHeader("WWW-Authenticate", "Bearer realm=\"orrery\"");
            case OVERLOADED -> response.putHeader(HttpHeaders.RETRY_AFTER, OVERLOADED_SECONDS);
            case UNAVAILABLE, STORAGE_FULL -> response.putHeader(HttpHeaders.RETRY_AFTER, UNAVAILABLE_SECONDS);
            default -> {}
        }
    }

    private static void writeError(JsonGenerator out, OrreryException error) throws IOException {
        out.writeStartObject();
        out.writeStringField("code", error.code().name());
        out.writeStringField("message", error.getMessage());
        writeProblems(out, error.problems());
        out.writeEndObject();
    }

    private static void writeProblems(JsonGenerator out, List<Problem> problems) throws IOException {
        out.writeArrayFieldStart("details");
        for (var problem : problems) {
            out.writeStartObject();
            out.writeStringField("code", problem.code());
            writePosition(out, "line", problem.line());
            writePosition(out, "column", problem.column());
            out.writeStringField("path", problem.path());
            out.writeStringField("message", problem.message());
            out.writeStringField("help", problem.help().orElse(null));
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    private static void writePosition(JsonGenerator out, String name, int position) throws IOException {
        if (position > 0) {
            out.writeNumberField(name, position);
        } else {
            out.writeNullField(name);
        }
    }
}
