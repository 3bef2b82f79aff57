package dev.orrery.service;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.dag.DagDefinition;
import dev.orrery.domain.task.LogLevel;
import dev.orrery.store.LogRepository;
import dev.orrery.store.LogRepository.StoredChunk;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads the logs of runs entry by entry, a bounded part of them at once. */
final class RunLogs {

    /** How many bytes of logs one answer looks at, a piece more or less. */
    private static final long BYTES_AT_ONCE = 1 << 20;

    private static final int CHUNKS_AT_ONCE = 16;
    private static final int LAST_CHUNKS = 2;
    private static final int LAST_ENTRIES = 2;

    private final LogRepository logs;

    RunLogs(LogRepository logs) {
        this.logs = logs;
    }

    /**
     * Entries in the order of the logs.
     *
     * @param next behind the last that was looked at
     * @param isAll whether nothing was stored behind it
     */
    record Part(List<LoggedEntry> entries, LogPlace next, boolean isAll) {}

    /** A reading under way. */
    private record Reading(RunId run, DagDefinition dag, LogQuery query, List<LoggedEntry> entries) {}

    Future<Part> read(RunId run, DagDefinition dag, LogQuery query, LogPlace from) {
        return read(new Reading(run, dag, query, new ArrayList<>()), from, 0);
    }

    private Future<Part> read(Reading reading, LogPlace from, long looked) {
        var task = from.task() == 0
                ? new TaskInstanceId(reading.run.value())
                : TaskInstanceId.of(reading.run, from.task());
        return logs.readRun(task, from.attempt(), from.offset(), reading.query.attempt(), CHUNKS_AT_ONCE)
                .compose(chunks -> {
                    var isAll = chunks.size() < CHUNKS_AT_ONCE;
                    var next = from;
                    for (var placed : LogEntries.of(chunks, from, isAll)) {
                        if (reading.entries.size() == reading.query.limit()) {
                            return Future.succeededFuture(new Part(reading.entries, next, false));
                        }
                        next = placed.next();
                        if (reading.query.wants(placed.entry())) {
                            var name = reading.dag.task(placed.task()).id();
                            reading.entries.add(new LoggedEntry(name, placed.attempt(), placed.entry()));
                        }
                    }
                    if (isAll) {
                        return Future.succeededFuture(new Part(reading.entries, next, true));
                    }
                    // A part in which no line ends is passed over.
                    var behind = next.equals(from) ? endOf(chunks.getLast()) : next;
                    var all = looked
                            + chunks.stream()
                                    .mapToLong(chunk -> chunk.content().length())
                                    .sum();
                    return all >= BYTES_AT_ONCE
                            ? Future.succeededFuture(new Part(reading.entries, behind, false))
                            : read(reading, behind, all);
                });
    }

    private static LogPlace endOf(StoredChunk chunk) {
        return new LogPlace(
                chunk.task().taskNumber(),
                chunk.attempt(),
                chunk.offset() + chunk.content().length());
    }

    /** The trace of the failure that an attempt's log ends with, if it does. */
    Future<Optional<String>> lastTrace(TaskInstanceId task, int attempt) {
        return logs.readLast(task, attempt, LAST_CHUNKS).map(chunks -> {
            var entries = LogEntries.of(chunks, LogPlace.START, true).reversed();
            return entries.stream()
                    .limit(LAST_ENTRIES)
                    .map(LogEntries.Placed::entry)
                    .filter(entry ->
                            entry.level() == LogLevel.ERROR && entry.message().contains("\n"))
                    .map(entry -> entry.message())
                    .findFirst();
        });
    }
}
