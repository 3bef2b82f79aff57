package dev.orrery.api;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.Optional;

/** Server-sent events, written to one reader; a comment now and then shows it that the connection lives. */
final class EventStream {

    static final String CONTENT_TYPE = "text/event-stream";
    private static final String COMMENT = ":\n\n";

    private final StreamTarget target;

    EventStream(Vertx vertx, StreamTarget target) {
        this.target = target;
        var comments = vertx.setPeriodic(target.comment().toMillis(), _ -> target.offer(Buffer.buffer(COMMENT)));
        target.over().onComplete(_ -> vertx.cancelTimer(comments));
    }

    /** Lets the reader see at once that there is a stream. */
    Future<Void> begin() {
        return send(Buffer.buffer(COMMENT));
    }

    boolean isOpen() {
        return target.isOpen();
    }

    /** Sends events; completes when more is welcome. */
    Future<Void> send(Buffer events) {
        return target.write(events);
    }

    void end() {
        target.end();
    }

    /** Ends what cannot go on: a reader that has gone is the usual end of a stream, anything else is a fault to be told. */
    void settle(Throwable failure, Promise<Void> done) {
        if (isOpen()) {
            done.fail(failure);
        } else {
            done.complete();
        }
    }

    /** Adds one event to a buffer. JSON holds no line break, so its data is one line whatever it says. */
    static void add(Buffer events, Optional<String> id, String name, Answer.JsonWriter data) {
        id.ifPresent(known -> events.appendString("id: " + known + "\n"));
        events.appendString("event: " + name + "\ndata: ");
        events.appendBytes(Answer.bytes(data)).appendString("\n\n");
    }
}
