package dev.orrery.node;

import dev.orrery.config.MemoryBudget;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.executor.LogSink;
import dev.orrery.store.Batcher;
import dev.orrery.store.LogRepository;
import dev.orrery.store.StoreFailures;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.Collections;

/** Brings what attempts write, and how far they have come, into the store, much at once. */
final class LogChunks implements LogSink {

    private static final int PROGRESS_BYTES = 100;

    private final Batcher<LogRepository.Chunk, Boolean> chunks;
    private final Batcher<LogRepository.Progress, Boolean> progress;

    private LogChunks(LogRepository logs, long heap) {
        chunks = new Batcher<>(
                "log chunks",
                new Batcher.Limits(100, 1 << 20, 2, 10_000, MemoryBudget.logChunks(heap)),
                chunk -> chunk.content().length(),
                batch -> logs.append(batch).map(_ -> Collections.nCopies(batch.size(), true)),
                StoreFailures::isLasting);
        progress = new Batcher<>(
                "progress",
                new Batcher.Limits(500, 1 << 20, 1, 10_000, 1 << 20),
                _ -> PROGRESS_BYTES,
                logs::progress,
                StoreFailures::isLasting);
    }

    /** {@code heap}: the memory of the node in bytes, of which what waits takes its share. */
    static LogSink to(LogRepository logs, long heap) {
        return new LogChunks(logs, heap);
    }

    @Override
    public Future<Void> append(TaskInstanceId task, int attempt, long offset, Buffer bytes) {
        return chunks.add(new LogRepository.Chunk(task, attempt, offset, bytes)).mapEmpty();
    }

    @Override
    public Future<Void> progress(TaskInstanceId task, int attempt, int percent) {
        return progress.add(new LogRepository.Progress(task, attempt, percent))
                .compose(noted -> noted
                        ? Future.succeededFuture()
                        : Future.failedFuture(
                                new OrreryException(ErrorCode.CONFLICT, "the attempt is not known to run")));
    }
}
