package dev.orrery.api;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Where a stream is written to. At most one write queue full is kept for a slow reader; one who takes nothing for too long is cut
 * off. Belongs to the event loop of its request.
 */
final class StreamTarget {

    private final Limits limits;
    private final HttpServerResponse response;
    private final Promise<Void> over = Promise.promise();

    StreamTarget(RoutingContext context, Limits limits) {
        this.limits = limits;
        this.response = context.response();
        context.addEndHandler(_ -> over.tryComplete());
    }

    /** After how long a silent stream should say that it lives. */
    Duration comment() {
        return limits.comment();
    }

    boolean isOpen() {
        return !over.future().isComplete() && !response.ended() && !response.closed();
    }

    /** Completes when the stream has ended or the reader has gone. */
    Future<Void> over() {
        return over.future();
    }

    /** Writes a piece; completes when the next one is welcome, and fails where nobody reads any more. */
    Future<Void> write(Buffer piece) {
        if (!isOpen()) {
            return Future.failedFuture("the reader has gone");
        }
        response.write(piece);
        return response.writeQueueFull() ? room() : Future.succeededFuture();
    }

    /** Writes a piece that may as well be left out, where there is room for it. */
    void offer(Buffer piece) {
        if (isOpen() && !response.writeQueueFull()) {
            response.write(piece);
        }
    }

    private Future<Void> room() {
        var room = Promise.<Void>promise();
        response.drainHandler(_ -> room.tryComplete());
        over.future().onComplete(_ -> room.tryFail("the reader has gone"));
        return room.future().timeout(limits.reader().toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Stops writing, though the connection may not be closed yet. */
    void giveUp() {
        over.tryComplete();
    }

    /** Ends the stream where it is still open. */
    void end() {
        if (isOpen()) {
            response.end();
        }
    }
}
