package dev.orrery.api;

import dev.orrery.service.LogSlice;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.util.OptionalInt;

/** Both ways of reading a log: the text that is there now, and the events of one that is followed. */
final class LogStreams {

    static final String ATTEMPT_HEADER = "Orrery-Attempt";

    private LogStreams() {}

    /** The text from {@code offset} to where the log ends now. */
    static Future<Answer> text(Vertx vertx, LogReader log, OptionalInt attempt, long offset) {
        return log.read(attempt, offset)
                .map(first -> answer("text/plain; charset=utf-8", first, new Text(vertx, log, first)));
    }

    /** Events from {@code offset} until the attempt ends. */
    static Future<Answer> follow(Vertx vertx, LogReader log, OptionalInt attempt, long offset) {
        return log.read(attempt, offset)
                .map(first -> answer(EventStream.CONTENT_TYPE, first, new LogFollow(vertx, log, attempt, first)));
    }

    private static Answer answer(String contentType, LogSlice first, Answer.StreamBody body) {
        return Answer.stream(contentType, body).with(ATTEMPT_HEADER, Integer.toString(first.attempt()));
    }

    /** Writes piece after piece until one is not full: that is where the log ends now. */
    private record Text(Vertx vertx, LogReader log, LogSlice first) implements Answer.StreamBody {

        @Override
        public Future<Void> writeTo(StreamTarget target) {
            var done = Promise.<Void>promise();
            write(target, first, Loop.current(vertx), done);
            return done.future();
        }

        @Override
        public void close() {
            // A log that is read holds nothing.
        }

        private void write(StreamTarget target, LogSlice slice, Loop loop, Promise<Void> done) {
            if (slice.content().length() == 0) {
                target.end();
                done.complete();
                return;
            }
            var full = slice.content().length() >= LogReader.PIECE_BYTES && !slice.ended();
            var next =
                    target.write(slice.content()).compose(_ -> full ? more(slice) : Future.succeededFuture(end(slice)));
            loop.bring(next)
                    .onSuccess(more -> loop.later(() -> write(target, more, loop, done)))
                    .onFailure(e -> {
                        if (target.isOpen()) {
                            done.fail(e);
                        } else {
                            done.complete();
                        }
                    });
        }

        private Future<LogSlice> more(LogSlice slice) {
            return log.read(OptionalInt.of(slice.attempt()), slice.nextOffset());
        }

        private static LogSlice end(LogSlice slice) {
            return new LogSlice(slice.attempt(), slice.nextOffset(), Buffer.buffer(), true);
        }
    }
}
