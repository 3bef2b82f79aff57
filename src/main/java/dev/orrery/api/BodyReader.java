package dev.orrery.api;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes in the bodies of changes: JSON only, at most {@link #MAX_BYTES}, of a batch of tasks {@link #BATCH_MAX_BYTES}, within
 * a limit of time; of {@link SignedRequests} less, and of any kind. What is beyond the limit is not kept; a
 * little more is read and dropped, so that the sender comes to read the answer, then the connection is closed.
 *
 * <p>What is kept counts against the bytes that the node holds at once. It counts as it arrives: an announcement costs its
 * sender nothing, so it holds nothing. Whoever has brought much must go on bringing, so that it holds it for a good reason.
 */
final class BodyReader implements Handler<RoutingContext> {

    static final int MAX_BYTES = 2 * 1024 * 1024;

    /** Where many tasks come at once. */
    private static final String BATCH_PATH = Contract.BASE_PATH + "/tasks/batch";

    static final int BATCH_MAX_BYTES = 16 * 1024 * 1024;

    private static final long DROPPED_BYTES_MAX = 16L * 1024 * 1024;
    private static final int FIRST_BYTES = 1024;

    /** How often it is looked whether a large body still comes, in the time that it has. */
    private static final int LOOKS = 6;

    /** A body beyond this is large, and must bring as much again from look to look. */
    private static final int PACE_BYTES = 64 << 10;

    /** A body, its parts as text, and what the next layers make of them. */
    private static final int WEIGHT = 4;

    private static final String KEY = BodyReader.class.getName();
    private static final Set<HttpMethod> CHANGES = Set.of(HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH);

    private final Duration timeLimit;
    private final Admission admission;

    BodyReader(Duration timeLimit, Admission admission) {
        this.timeLimit = timeLimit;
        this.admission = admission;
    }

    /** What one body holds of the node's memory until its request is over. */
    private final class Room {

        private long bytes;

        /** Whether there is room for a body of this length. */
        boolean grow(long length) {
            var more = length * WEIGHT - bytes;
            if (more > 0 && !admission.enterBytes(more, bytes)) {
                return false;
            }
            bytes += Math.max(0, more);
            return true;
        }

        void leave() {
            admission.leaveBytes(bytes);
            bytes = 0;
        }
    }

    /** The body of a request that came by here; empty where there was none. */
    static Buffer bodyOf(RoutingContext context) {
        Buffer body = context.get(KEY);
        return body == null ? Buffer.buffer() : body;
    }

    @Override
    public void handle(RoutingContext context) {
        var request = context.request();
        var length = contentLength(request);
        if (!CHANGES.contains(request.method()) || length == 0) {
            context.next();
        } else if (length > most(request)) {
            refuse(context, tooLarge(most(request)));
        } else if (!SignedRequests.isOne(request) && !isJson(request)) {
            refuse(context, notJson(request));
        } else {
            takeIn(context, length);
        }
    }

    private static int most(HttpServerRequest request) {
        if (SignedRequests.isOne(request)) {
            return SignedRequests.MAX_BYTES;
        }
        return BATCH_PATH.equals(request.path()) ? BATCH_MAX_BYTES : MAX_BYTES;
    }

    /** The length that the sender announced; -1 where the body comes in chunks, 0 where there is none. */
    private static long contentLength(HttpServerRequest request) {
        if (request.headers().contains(HttpHeaders.TRANSFER_ENCODING)) {
            return -1;
        }
        var length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        try {
            return length == null ? 0 : Long.parseLong(length);
        } catch (NumberFormatException _) {
            return Long.MAX_VALUE;
        }
    }

    private static boolean isJson(HttpServerRequest request) {
        var type = request.getHeader(HttpHeaders.CONTENT_TYPE);
        var encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (type == null || !isPlain(encoding)) {
            return false;
        }
        var parts =
                type.toLowerCase(Locale.ROOT).replace(" ", "").replace("\"", "").split(";", 2);
        return parts[0].equals("application/json") && (parts.length == 1 || parts[1].equals("charset=utf-8"));
    }

    private static OrreryException notJson(HttpServerRequest request) {
        var encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        var found = isPlain(encoding)
                ? shown("Content-Type", request.getHeader(HttpHeaders.CONTENT_TYPE))
                : shown("Content-Encoding", encoding);
        return new OrreryException(
                ErrorCode.UNSUPPORTED_MEDIA_TYPE, "the body must be plain application/json in UTF-8; " + found);
    }

    private static boolean isPlain(@Nullable String encoding) {
        return encoding == null || encoding.equalsIgnoreCase("identity");
    }

    private static String shown(String header, @Nullable String value) {
        return header + (value == null ? " is missing" : " is '" + SchemaProblems.shown(value) + "'");
    }

    private static OrreryException tooLarge(int most) {
        return new OrreryException(ErrorCode.PAYLOAD_TOO_LARGE, "the body is over " + most + " bytes");
    }

    private static OrreryException noRoom() {
        return new OrreryException(ErrorCode.OVERLOADED, "this node holds as many bytes of requests as it admits");
    }

    private void takeIn(RoutingContext context, long length) {
        var request = context.request();
        var room = new Room();
        context.addEndHandler(_ -> room.leave());
        if (!admission.hasRoom(length * WEIGHT) || !room.grow(FIRST_BYTES)) {
            refuse(context, noRoom());
            return;
        }
        if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
            context.response().writeContinue();
        }
        var body = Buffer.buffer(Math.clamp(length, FIRST_BYTES, FIRST_BYTES * WEIGHT));
        var watch = new Watch(context, body);
        request.exceptionHandler(_ -> watch.end());
        var most = most(request);
        request.handler(chunk -> {
            if (body.length() + chunk.length() > most) {
                watch.end();
                refuse(context, tooLarge(most));
            } else if (!room.grow(body.length() + chunk.length())) {
                watch.end();
                refuse(context, noRoom());
            } else {
                body.appendBuffer(chunk);
            }
        });
        request.endHandler(_ -> {
            watch.end();
            context.put(KEY, body);
            context.next();
        });
    }

    /** Gives up a body that does not arrive in time, and a large one that has stopped to come. */
    private final class Watch {

        private final RoutingContext context;
        private final Buffer body;
        private int looks;
        private int seen;
        private long timer;

        Watch(RoutingContext context, Buffer body) {
            this.context = context;
            this.body = body;
            lookLater();
        }

        private void lookLater() {
            timer = context.vertx().setTimer(Math.max(1, timeLimit.toMillis() / LOOKS), _ -> look());
        }

        private void look() {
            looks++;
            var came = body.length() - seen;
            seen = body.length();
            if (looks == LOOKS) {
                giveUp("did not arrive within " + timeLimit.toSeconds() + " s");
            } else if (seen > PACE_BYTES && came < PACE_BYTES) {
                giveUp("comes too slowly: its last " + came + " bytes took " + timeLimit.toMillis() / LOOKS + " ms");
            } else {
                lookLater();
            }
        }

        private void giveUp(String why) {
            context.request().handler(_ -> {}).endHandler(_ -> {});
            context.response().putHeader(HttpHeaders.CONNECTION, "close");
            context.addEndHandler(_ -> context.request().connection().close());
            context.fail(new OrreryException(ErrorCode.BAD_REQUEST, "the body " + why));
        }

        void end() {
            context.vertx().cancelTimer(timer);
        }
    }

    /** Answers at once, reads on for a while without keeping anything, and hangs up on whoever still sends. */
    private static void refuse(RoutingContext context, OrreryException reason) {
        var request = context.request();
        var dropped = new long[1];
        request.endHandler(_ -> {});
        request.handler(chunk -> {
            dropped[0] += chunk.length();
            if (dropped[0] > DROPPED_BYTES_MAX) {
                request.handler(_ -> {});
                request.connection().close();
            }
        });
        context.fail(reason);
    }
}
