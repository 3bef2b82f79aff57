package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.service.LogSlice;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Tells what an attempt prints, as events whose id is the offset after them, until it has ended. It looks again at short intervals, which
 * grow while nothing comes.
 */
final class LogFollow implements Answer.StreamBody {

    private static final Duration SHORTEST_WAIT = Duration.ofMillis(100);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);

    private final Vertx vertx;
    private final LogReader log;
    private final OptionalInt asked;
    private final LogSlice first;
    private long waitMillis = SHORTEST_WAIT.toMillis();

    /** {@code first}: what is there at the beginning; attempt 0 where there is no attempt yet. */
    LogFollow(Vertx vertx, LogReader log, OptionalInt asked, LogSlice first) {
        this.vertx = vertx;
        this.log = log;
        this.asked = asked;
        this.first = first;
    }

    @Override
    public Future<Void> writeTo(StreamTarget target) {
        var stream = new EventStream(vertx, target);
        var done = Promise.<Void>promise();
        var loop = Loop.current(vertx);
        loop.bring(stream.begin())
                .onSuccess(_ -> tell(stream, first, loop, done))
                .onFailure(e -> stream.settle(e, done));
        return done.future();
    }

    @Override
    public void close() {
        // Nothing is held between two looks.
    }

    private void tell(EventStream stream, LogSlice slice, Loop loop, Promise<Void> done) {
        var complete = slice.ended() ? slice.content().length() : wholeCharacters(slice.content());
        var events = Buffer.buffer(complete + 64);
        if (complete > 0) {
            addText(events, slice, complete);
        }
        if (slice.ended()) {
            EventStream.add(events, Optional.empty(), "end", out -> {
                out.writeStartObject();
                out.writeNumberField("attempt", slice.attempt());
                out.writeEndObject();
            });
        }
        var sent = events.length() == 0 ? Future.<Void>succeededFuture() : stream.send(events);
        loop.bring(sent)
                .onSuccess(_ -> goOn(stream, slice, complete, loop, done))
                .onFailure(e -> stream.settle(e, done));
    }

    private void goOn(EventStream stream, LogSlice slice, int told, Loop loop, Promise<Void> done) {
        if (slice.ended() || !stream.isOpen()) {
            stream.end();
            done.complete();
            return;
        }
        waitMillis = told > 0 ? SHORTEST_WAIT.toMillis() : Math.min(waitMillis * 2, LONGEST_WAIT.toMillis());
        var full = slice.content().length() >= LogReader.PIECE_BYTES;
        vertx.setTimer(full ? 1 : waitMillis, _ -> look(stream, slice, told, loop, done));
    }

    private void look(EventStream stream, LogSlice slice, int told, Loop loop, Promise<Void> done) {
        if (!stream.isOpen()) {
            done.complete();
            return;
        }
        var attempt = slice.attempt() > 0 ? OptionalInt.of(slice.attempt()) : asked;
        loop.bring(log.read(attempt, slice.offset() + told))
                .onSuccess(next -> tell(stream, next, loop, done))
                .onFailure(e -> stream.settle(e, done));
    }

    private static void addText(Buffer events, LogSlice slice, int length) {
        var id = Optional.of(Long.toString(slice.offset() + length));
        EventStream.add(events, id, "log", out -> {
            out.writeStartObject();
            out.writeNumberField("attempt", slice.attempt());
            out.writeStringField("text", new String(slice.content().getBytes(0, length), UTF_8));
            out.writeEndObject();
        });
    }

    /** How many bytes to take so that no character of UTF-8 is cut in two; what is no UTF-8 is taken as it is. */
    static int wholeCharacters(Buffer bytes) {
        var length = bytes.length();
        for (var back = 1; back <= Math.min(3, length); back++) {
            var b = bytes.getByte(length - back) & 0xFF;
            if (b >= 0xC0) {
                return bytesOf(b) > back ? length - back : length;
            }
            if (b < 0x80) {
                return length;
            }
        }
        return length;
    }

    /** How many bytes the character has that begins with this one. */
    private static int bytesOf(int first) {
        if (first >= 0xF8) {
            return 1;
        }
        return first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    }
}
