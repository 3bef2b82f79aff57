package dev.orrery.engine.router;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.AttemptReport;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Starts and results that wait for the next exchange. There is at most one entry for each claim the node holds, which
 * bounds it; a start whose result has come is dropped, since the result tells both.
 */
final class ReportBuffer {

    private static final int MAX_BYTES = 4 << 20;
    private static final int MAX_FOLLOWERS = 10_000;

    private final int maxRows;
    private final Deque<Entry> ends = new ArrayDeque<>();
    private final Map<TaskInstanceId, Entry> starts = new LinkedHashMap<>();
    private final Deque<List<Entry>> parts = new ArrayDeque<>();

    /**
     * One report that waits.
     *
     * @param verdict absent for a start
     * @param startedNanos when the attempt began, by this process's monotonic clock; absent if it never did
     * @param followers how many other tasks its commit may change
     * @param isSubstitute whether it stands for a result that the database refused
     */
    record Entry(
            TaskInstanceId id,
            int versionId,
            int attempt,
            long fence,
            int workerNumber,
            Optional<Verdict> verdict,
            OptionalLong startedNanos,
            int followers,
            boolean isSubstitute) {

        /** In place of a result that cannot be stored. */
        Entry failedInstead(String error) {
            var failure = Optional.<Verdict>of(new Verdict.Fail(error));
            return new Entry(id, versionId, attempt, fence, workerNumber, failure, startedNanos, followers, true);
        }

        AttemptReport report(long now) {
            Optional<Duration> sinceStart = startedNanos.isEmpty()
                    ? Optional.empty()
                    : Optional.of(Duration.ofNanos(Math.max(0, now - startedNanos.getAsLong())));
            return new AttemptReport(id, versionId, attempt, fence, workerNumber, verdict, sinceStart);
        }

        private int bytes() {
            return verdict.map(ended -> ended instanceof Verdict.Succeed(Json output)
                            ? output.text().length()
                            : 0)
                    .orElse(0);
        }
    }

    /** {@code maxRows}: how many reports go in one exchange. */
    ReportBuffer(int maxRows) {
        this.maxRows = maxRows;
    }

    void start(Entry start) {
        starts.put(start.id(), start);
    }

    void end(Entry end) {
        starts.remove(end.id());
        ends.add(end);
    }

    /** Whether there is more than starts. */
    boolean cannotWait() {
        return !ends.isEmpty() || hasParts();
    }

    /** Whether the next batch is part of one that was refused. */
    boolean hasParts() {
        return !parts.isEmpty();
    }

    boolean isEmpty() {
        return ends.isEmpty() && starts.isEmpty() && parts.isEmpty();
    }

    /** Makes a refused batch the next two, each half of it; a single report goes alone. */
    void part(List<Entry> batch) {
        var half = batch.size() / 2;
        parts.addFirst(List.copyOf(batch.subList(half, batch.size())));
        if (half > 0) {
            parts.addFirst(List.copyOf(batch.subList(0, half)));
        }
    }

    /**
     * The next batch: part of a refused one as it is, else what waits, results first, bounded in rows, in bytes, and in
     * the tasks that its commit may change.
     */
    List<Entry> take() {
        if (hasParts()) {
            return parts.remove();
        }
        var batch = new ArrayList<Entry>(Math.min(maxRows, ends.size() + starts.size()));
        var bytes = 0L;
        var followers = 0L;
        while (!ends.isEmpty() && batch.size() < maxRows) {
            var next = ends.peek();
            bytes += next.bytes();
            followers += next.followers();
            if (!batch.isEmpty() && (bytes > MAX_BYTES || followers > MAX_FOLLOWERS)) {
                break;
            }
            batch.add(ends.remove());
        }
        var waiting = starts.values().iterator();
        while (waiting.hasNext() && batch.size() < maxRows) {
            batch.add(waiting.next());
            waiting.remove();
        }
        return batch;
    }

    /** Puts a batch back that was not committed, ahead of what has come since. */
    void putBack(List<Entry> batch) {
        for (var place = batch.size() - 1; place >= 0; place--) {
            var entry = batch.get(place);
            if (entry.verdict().isPresent()) {
                starts.remove(entry.id());
                ends.addFirst(entry);
            } else if (ends.stream().noneMatch(end -> end.id().equals(entry.id()))) {
                starts.putIfAbsent(entry.id(), entry);
            }
        }
    }
}
