package dev.orrery.executor;

import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;

/** Where the logs of attempts are kept, and how far these have come. */
@FunctionalInterface
public interface LogSink {

    /**
     * Stores the bytes that stand at this offset of an attempt's log. Chunks of one log come one after the other, each
     * beginning where the one before it ended. After a failed Future the same chunk is offered again, so storing it
     * twice must change nothing.
     */
    Future<Void> append(TaskInstanceId task, int attempt, long offset, Buffer bytes);

    /** Notes how far an attempt has come, in percent. It is told at most once a second, one after the other. */
    default Future<Void> progress(TaskInstanceId task, int attempt, int percent) {
        return Future.succeededFuture();
    }
}
