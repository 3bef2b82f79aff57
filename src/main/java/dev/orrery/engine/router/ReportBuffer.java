package dev.orrery.engine.router;

import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.AttemptReport;
import dev.orrery.store.WorkRepository.Held;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Starts and results that wait for the next exchange. There is at most one entry for each claim the node holds, which
 * bounds their number, and while results have too many bytes the node claims nothing more; a start whose result has come is
 * dropped, since the result tells both.
 *
 * <p>A run is in one batch at a time: a commit locks its runs, and a second one that waited for it would keep what it had
 * locked itself from a third. What is reported of a busy run waits here, and the next batch is made of others.
 */
final class ReportBuffer {

    private static final int MAX_BYTES = 4 << 20;
    private static final int MAX_FOLLOWERS = 10_000;

    private final int maxRows;
    private final SequencedMap<RunId, Deque<Entry>> ends = new LinkedHashMap<>();
    private final Map<Held, Entry> starts = new LinkedHashMap<>();
    private final Deque<List<Entry>> parts = new ArrayDeque<>();
    private final Set<RunId> busy = new HashSet<>();
    private final long bytesMax;
    private long bytes;

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

        Held claim() {
            return new Held(id, fence);
        }

        private RunId run() {
            return id.runId();
        }

        private int bytes() {
            return verdict.map(ended -> ended instanceof Verdict.Succeed(Json output)
                            ? output.text().length()
                            : 0)
                    .orElse(0);
        }
    }

    /**
     * @param maxRows how many reports go in one exchange
     * @param bytesMax how many bytes of results may wait before nothing more is claimed
     */
    ReportBuffer(int maxRows, long bytesMax) {
        this.maxRows = maxRows;
        this.bytesMax = bytesMax;
    }

    void start(Entry start) {
        starts.put(start.claim(), start);
    }

    void end(Entry end) {
        bytes += end.bytes();
        starts.remove(end.claim());
        ends.computeIfAbsent(end.run(), _ -> new ArrayDeque<>()).add(end);
    }

    /** Whether a batch could be taken now that has more than starts. */
    boolean cannotWait() {
        return hasParts() || ends.keySet().stream().anyMatch(this::isFree);
    }

    /** Whether the next batch is part of one that was refused. */
    boolean hasParts() {
        return !parts.isEmpty() && parts.element().stream().map(Entry::run).allMatch(this::isFree);
    }

    /** Whether the results of further claims could wait here too. */
    boolean hasRoom() {
        return bytes <= bytesMax;
    }

    private static long bytes(List<Entry> entries) {
        return entries.stream().mapToLong(Entry::bytes).sum();
    }

    private boolean isFree(RunId run) {
        return !busy.contains(run);
    }

    boolean isEmpty() {
        return ends.isEmpty() && starts.isEmpty() && parts.isEmpty();
    }

    /** Makes a refused batch the next two, each half of it; a single report goes alone. */
    void part(List<Entry> batch) {
        bytes += bytes(batch);
        var half = batch.size() / 2;
        parts.addFirst(List.copyOf(batch.subList(half, batch.size())));
        if (half > 0) {
            parts.addFirst(List.copyOf(batch.subList(0, half)));
        }
    }

    /**
     * The next batch: part of a refused one as it is, else what waits, results first, bounded in rows, in bytes, and in
     * the tasks that its commit may change. Its runs are busy until it {@link #returned}.
     */
    List<Entry> take() {
        var batch = hasParts() ? parts.remove() : takeWaiting();
        batch.forEach(entry -> busy.add(entry.run()));
        bytes -= bytes(batch);
        return batch;
    }

    /** The batch is no longer under way. */
    void returned(List<Entry> batch) {
        batch.forEach(entry -> busy.remove(entry.run()));
    }

    private List<Entry> takeWaiting() {
        var batch = new ArrayList<Entry>();
        takeEnds(batch);
        var waiting = starts.values().iterator();
        while (waiting.hasNext() && batch.size() < maxRows) {
            var start = waiting.next();
            if (isFree(start.run())) {
                batch.add(start);
                waiting.remove();
            }
        }
        return batch;
    }

    private void takeEnds(List<Entry> batch) {
        var bytes = 0L;
        var followers = 0L;
        var runs = ends.entrySet().iterator();
        while (runs.hasNext()) {
            var run = runs.next();
            while (isFree(run.getKey()) && !run.getValue().isEmpty()) {
                var next = run.getValue().element();
                bytes += next.bytes();
                followers += next.followers();
                var isTooMuch = bytes > MAX_BYTES || followers > MAX_FOLLOWERS;
                if (batch.size() == maxRows || (isTooMuch && !batch.isEmpty())) {
                    return;
                }
                batch.add(run.getValue().remove());
            }
            if (run.getValue().isEmpty()) {
                runs.remove();
            }
        }
    }

    /** Puts a batch back that was not committed, ahead of what has come since. */
    void putBack(List<Entry> batch) {
        bytes += bytes(batch);
        for (var entry : batch.reversed()) {
            if (entry.verdict().isPresent()) {
                starts.remove(entry.claim());
                ends.computeIfAbsent(entry.run(), _ -> new ArrayDeque<>()).addFirst(entry);
            } else if (!hasEnded(entry)) {
                starts.putIfAbsent(entry.claim(), entry);
            }
        }
    }

    private boolean hasEnded(Entry start) {
        var ended = ends.get(start.run());
        return ended != null && ended.stream().anyMatch(end -> end.claim().equals(start.claim()));
    }
}
