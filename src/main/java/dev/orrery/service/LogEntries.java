package dev.orrery.service;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.task.LogEntry;
import dev.orrery.domain.task.LogLevel;
import dev.orrery.store.LogRepository.StoredChunk;
import io.vertx.core.buffer.Buffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes pieces of logs apart into entries. A line that does not say when and how much it matters is an entry by itself, of
 * the level info and of the time at which its piece was stored. A line that begins with a tab goes on with the entry before, if
 * that has a time of its own.
 */
final class LogEntries {

    /** An entry, and where the one behind it begins. */
    record Placed(int task, int attempt, LogEntry entry, LogPlace next) {}

    private final LogPlace from;
    private final List<Placed> found = new ArrayList<>();

    // Of the log that is being read.
    private int task;
    private int attempt;
    private long start;
    private Buffer bytes = Buffer.buffer();
    private final TreeMap<Long, Instant> times = new TreeMap<>();

    // Of the entry that is being read.
    private @Nullable StringBuilder text;
    private boolean tellsItsTime;
    private Instant storedAt = Instant.EPOCH;
    private long end;

    private LogEntries(LogPlace from) {
        this.from = from;
    }

    /**
     * The entries in these pieces from a place on.
     *
     * @param chunks in the order of {@link LogPlace}
     * @param isAll whether nothing is stored behind them; else the last entry is left out, since it may go on there
     */
    static List<Placed> of(List<StoredChunk> chunks, LogPlace from, boolean isAll) {
        var entries = new LogEntries(from);
        for (var chunk : chunks) {
            if (!entries.isSameLog(chunk)) {
                entries.readLog(true);
                entries.open(chunk);
            }
            entries.times.put(chunk.offset(), chunk.storedAt());
            entries.bytes.appendBuffer(chunk.content());
        }
        entries.readLog(false);
        if (isAll || entries.found.isEmpty()) {
            entries.close();
        }
        return entries.found;
    }

    private boolean isSameLog(StoredChunk chunk) {
        return bytes.length() > 0 && chunk.task().taskNumber() == task && chunk.attempt() == attempt;
    }

    private void open(StoredChunk chunk) {
        task = chunk.task().taskNumber();
        attempt = chunk.attempt();
        start = chunk.offset();
        bytes = Buffer.buffer();
        times.clear();
    }

    /** {@code isOver}: another log follows, so that nothing can be added to this one. */
    private void readLog(boolean isOver) {
        var line = task == from.task() && attempt == from.attempt() ? (int) Math.max(0, from.offset() - start) : 0;
        for (var at = line; at < bytes.length(); at++) {
            if (bytes.getByte(at) == '\n') {
                line(line, at, at + 1);
                line = at + 1;
            }
        }
        if (isOver) {
            if (line < bytes.length()) {
                line(line, bytes.length(), bytes.length());
            }
            close();
        }
    }

    private void line(int first, int last, int next) {
        var line = bytes.getString(first, last, UTF_8.name());
        if (text != null && tellsItsTime && line.startsWith(LogEntry.CONTINUED)) {
            text.append('\n').append(line);
        } else {
            close();
            text = new StringBuilder(line);
            tellsItsTime = LogEntry.parse(line).isPresent();
            storedAt = Optional.ofNullable(times.floorEntry(start + first))
                    .map(java.util.Map.Entry::getValue)
                    .orElse(Instant.EPOCH);
        }
        end = start + next;
    }

    private void close() {
        if (text != null) {
            var whole = text.toString();
            var entry = LogEntry.parse(whole).orElseGet(() -> new LogEntry(storedAt, LogLevel.INFO, whole));
            found.add(new Placed(task, attempt, entry, new LogPlace(task, attempt, end)));
            text = null;
        }
    }
}
