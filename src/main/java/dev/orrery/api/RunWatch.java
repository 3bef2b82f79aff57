package dev.orrery.api;

import dev.orrery.service.RunEvent;
import dev.orrery.service.RunEvents;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Passes the events of a run on to one reader, no faster than it reads. */
final class RunWatch implements Answer.StreamBody {

    /** So long the answer waits for the news that nothing can follow; then it is a stream. */
    private static final Duration FIRST_WAIT = Duration.ofMillis(500);

    private static final int EVENT_BYTES = 192;

    private final Vertx vertx;
    private final RunEvents source;
    private final Future<List<RunEvent>> first;

    private RunWatch(Vertx vertx, RunEvents source, Future<List<RunEvent>> first) {
        this.vertx = vertx;
        this.source = source;
        this.first = first;
    }

    /** A stream, or an empty answer where the run has ended and all was told. */
    static Future<Answer> begin(Vertx vertx, RunEvents source) {
        var first = source.next();
        var answer = Promise.<Answer>promise();
        var timer = vertx.setTimer(FIRST_WAIT.toMillis(), _ -> answer.tryComplete(stream(vertx, source, first)));
        first.onComplete((events, failure) -> {
            vertx.cancelTimer(timer);
            if (failure != null) {
                source.close();
                answer.tryFail(failure);
            } else if (events.isEmpty() && answer.tryComplete(Answer.empty(204))) {
                source.close();
            } else {
                answer.tryComplete(stream(vertx, source, first));
            }
        });
        return answer.future();
    }

    private static Answer stream(Vertx vertx, RunEvents source, Future<List<RunEvent>> first) {
        return Answer.stream(EventStream.CONTENT_TYPE, new RunWatch(vertx, source, first));
    }

    @Override
    public Future<Void> writeTo(StreamTarget target) {
        var stream = new EventStream(vertx, target);
        var done = Promise.<Void>promise();
        follow(stream, stream.begin().compose(_ -> first), Loop.current(vertx), done);
        return done.future();
    }

    @Override
    public void close() {
        source.close();
    }

    private void follow(EventStream stream, Future<List<RunEvent>> next, Loop loop, Promise<Void> done) {
        loop.bring(next).onComplete((events, failure) -> {
            if (failure != null) {
                stream.settle(failure, done);
            } else if (events.isEmpty()) {
                stream.end();
                done.complete();
            } else {
                var more = stream.send(encode(events)).compose(_ -> source.next());
                loop.later(() -> follow(stream, more, loop, done));
            }
        });
    }

    private static Buffer encode(List<RunEvent> events) {
        var buffer = Buffer.buffer(events.size() * EVENT_BYTES);
        for (var event : events) {
            EventStream.add(buffer, Optional.of(event.id()), name(event), out -> JsonShapes.event(out, event));
        }
        return buffer;
    }

    private static String name(RunEvent event) {
        return switch (event) {
            case RunEvent.Task _ -> "task";
            case RunEvent.Progress _ -> "progress";
            case RunEvent.Run _ -> "run";
            case RunEvent.Reset _ -> "reset";
        };
    }
}
