package dev.orrery.executor;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;

/**
 * How far an attempt has come, on its way to the store: at most once a second, the latest value always. What the store
 * does not take, since it may not know of the attempt yet, is told again a second later, but not once the attempt has ended. All fields are touched by the context alone.
 */
final class AttemptProgress {

    private static final System.Logger LOG = System.getLogger(AttemptProgress.class.getName());
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration LAST_WORD = Duration.ofSeconds(5);
    private static final int NONE = -1;

    private final Context context;
    private final LogSink sink;
    private final TaskInstanceId task;
    private final int attempt;

    private int latest = NONE;
    private int told = NONE;
    private boolean telling;
    private boolean pausing;
    private boolean closed;
    private final Promise<Void> done = Promise.promise();

    AttemptProgress(Context context, LogSink sink, TaskInstanceId task, int attempt) {
        this.context = context;
        this.sink = sink;
        this.task = task;
        this.attempt = attempt;
    }

    /** May be called from any thread. */
    void tell(int percent) {
        context.runOnContext(_ -> {
            latest = percent;
            next();
        });
    }

    /** Completes when the last value is told, or cannot be. It never fails. */
    Future<Void> close() {
        context.runOnContext(_ -> {
            closed = true;
            var limit = context.owner().setTimer(LAST_WORD.toMillis(), _ -> done.tryComplete());
            done.future().onComplete(_ -> context.owner().cancelTimer(limit));
            next();
        });
        return done.future();
    }

    private void next() {
        if (telling || (pausing && !closed)) {
            return;
        }
        if (latest == told) {
            if (closed) {
                done.tryComplete();
            }
            return;
        }
        telling = true;
        told = latest;
        sink.progress(task, attempt, told)
                .onFailure(error -> LOG.log(DEBUG, "cannot tell the progress of task=" + task, error))
                .onComplete(answer -> context.runOnContext(_ -> paused(answer.succeeded())));
    }

    private void paused(boolean isTaken) {
        if (!isTaken && !closed) {
            told = NONE;
        }
        telling = false;
        pausing = true;
        context.owner().setTimer(PAUSE.toMillis(), _ -> {
            pausing = false;
            next();
        });
        next();
    }
}
