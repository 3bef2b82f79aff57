package dev.orrery.node;

import dev.orrery.config.MemoryBudget;
import dev.orrery.executor.LogSink;
import dev.orrery.store.Batcher;
import dev.orrery.store.LogRepository;
import dev.orrery.store.StoreFailures;
import java.util.Collections;

/** Brings what attempts write into the store, many pieces at once. */
final class LogChunks {

    private LogChunks() {}

    /** {@code heap}: the memory of the node in bytes, of which what waits takes its share. */
    static LogSink to(LogRepository logs, long heap) {
        var chunks = new Batcher<LogRepository.Chunk, Boolean>(
                "log chunks",
                new Batcher.Limits(100, 1 << 20, 2, 10_000, MemoryBudget.logChunks(heap)),
                chunk -> chunk.content().length(),
                batch -> logs.append(batch).map(_ -> Collections.nCopies(batch.size(), true)),
                StoreFailures::isLasting);
        return (task, attempt, offset, bytes) -> chunks.add(new LogRepository.Chunk(task, attempt, offset, bytes))
                .mapEmpty();
    }
}
