package dev.orrery.executor;

import static dev.orrery.domain.Checks.require;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.AsyncResult;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The log of one attempt. Lines come in from any thread and never wait; they are stored in chunks while the attempt
 * runs, so that it can be followed.
 *
 * <p>A log keeps its first and its last half and says between them how much is missing. The first half goes to the store
 * as it comes; what is beyond goes round in a ring in memory, whose content is stored at the end. So a task may print
 * as fast as it likes: memory and what the store must take are bounded by the limit, and a slow store slows nobody.
 */
public final class AttemptLog {

    /** The usual limit of a whole log in bytes. */
    public static final int DEFAULT_LIMIT = 1 << 20;

    /** The smallest limit, in bytes: two lines of full length and what is said between them. */
    public static final int MIN_LIMIT = 64 << 10;

    private static final System.Logger LOG = System.getLogger(AttemptLog.class.getName());
    private static final int FLUSH_SIZE = 32 << 10;
    private static final int CHUNK_LIMIT = 64 << 10;
    private static final int CUT_REMARK_ROOM = 256;
    private static final long FLUSH_DELAY_MILLIS = 200;
    private static final long RETRY_DELAY_MILLIS = 500;
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(60);

    private final Context context;
    private final LogSink sink;
    private final TaskInstanceId task;
    private final int attempt;
    private final int tailLimit;
    private final Object monitor = new Object();

    // Guarded by the monitor, since executors write from threads of their own.
    private int headRoom;
    private final Deque<Buffer> pending = new ArrayDeque<>(1);
    private int pendingBytes;
    private @Nullable TailRing tail;
    private long stored;
    private boolean storing;
    private boolean refused;
    private boolean timerSet;
    private boolean flushAsked;
    private boolean closed;
    private boolean abandoned;
    private @Nullable Promise<Void> closing;
    private @Nullable AttemptProgress progress;

    /** A log that is stored from this context, with the usual limit. */
    public AttemptLog(Context context, LogSink sink, TaskInstanceId task, int attempt) {
        this(context, sink, task, attempt, DEFAULT_LIMIT);
    }

    /** @param limit how many bytes the whole log may have, at least {@link #MIN_LIMIT} */
    public AttemptLog(Context context, LogSink sink, TaskInstanceId task, int attempt, int limit) {
        require(limit >= MIN_LIMIT, "a log needs at least " + MIN_LIMIT + " bytes, was given " + limit);
        this.context = requireNonNull(context, "context");
        this.sink = requireNonNull(sink, "sink");
        this.task = requireNonNull(task, "task");
        this.attempt = attempt;
        this.tailLimit = limit / 2;
        this.headRoom = limit - tailLimit - CUT_REMARK_ROOM;
    }

    /** Adds a line, or several where the text has line feeds; cleaned and cut to length here. */
    public void line(String text) {
        text.lines().forEach(one -> {
            var raw = LogText.clean(one).getBytes(UTF_8);
            var line = LogText.line(raw, 0, raw.length, 0);
            lines(line, 0, line.length);
        });
    }

    /** Adds bytes that are whole lines, each with its line feed, cleaned and cut to length by the caller. */
    public void lines(byte[] block, int from, int to) {
        synchronized (monitor) {
            if (closed || from == to) {
                return;
            }
            var fits = tail != null ? from : wholeLinesWithin(block, from, to, headRoom);
            if (fits > from) {
                addPending(block, from, fits);
                headRoom -= fits - from;
                requestFlush();
            }
            if (fits < to) {
                if (tail == null) {
                    tail = new TailRing(tailLimit);
                }
                tail.write(block, fits, to);
            }
        }
    }

    /** Tells how far the attempt has come, in percent; a moment later, and of several values the latest. */
    public void progress(int percent) {
        synchronized (monitor) {
            if (closed) {
                return;
            }
            if (progress == null) {
                progress = new AttemptProgress(context, sink, task, attempt);
            }
            progress.tell(percent);
        }
    }

    /**
     * Ends the log: later lines are dropped. Completes on the log's context when all is stored, or when the store has
     * taken nothing for a minute; then what is missing is lost, and said in the node's log. It never fails.
     */
    public Future<Void> close() {
        AttemptProgress told;
        synchronized (monitor) {
            told = closed ? null : progress;
        }
        var lines = closeLines();
        return told == null ? lines : told.close().compose(_ -> lines);
    }

    private Future<Void> closeLines() {
        synchronized (monitor) {
            if (closing != null) {
                return closing.future();
            }
            closed = true;
            if (pendingBytes == 0 && tail == null && !storing) {
                return Future.succeededFuture();
            }
            closing = Promise.promise();
            addTail();
            var done = closing.future();
            context.runOnContext(_ -> {
                var limit = context.owner().setTimer(CLOSE_LIMIT.toMillis(), _ -> abandon());
                done.onComplete(_ -> context.owner().cancelTimer(limit));
                flush();
            });
            return done;
        }
    }

    private static int wholeLinesWithin(byte[] block, int from, int to, int room) {
        if (to - from <= room) {
            return to;
        }
        var end = from + room;
        while (end > from && block[end - 1] != '\n') {
            end--;
        }
        return end;
    }

    private void addPending(byte[] block, int from, int to) {
        for (var at = from; at < to; ) {
            var last = pending.peekLast();
            if (last == null || last.length() >= CHUNK_LIMIT) {
                last = Buffer.buffer();
                pending.addLast(last);
            }
            var step = Math.min(to - at, CHUNK_LIMIT - last.length());
            last.appendBytes(block, at, step);
            at += step;
        }
        pendingBytes += to - from;
    }

    private void addTail() {
        if (tail == null) {
            return;
        }
        var bytes = tail.bytes();
        var from = 0;
        if (tail.lost() > 0) {
            while (from < bytes.length && bytes[from++] != '\n') {}
            var missing = tail.lost() + from;
            var remark = ("[" + missing + " bytes are missing here: a log keeps its first and its last "
                            + tailLimit / 1024 + " KiB]\n")
                    .getBytes(UTF_8);
            addPending(remark, 0, remark.length);
        }
        addPending(bytes, from, bytes.length);
        tail = null;
    }

    private void requestFlush() {
        if (storing || flushAsked || pendingBytes == 0) {
            return;
        }
        if (pendingBytes >= FLUSH_SIZE) {
            flushAsked = true;
            context.runOnContext(_ -> flush());
        } else if (!timerSet) {
            timerSet = true;
            context.runOnContext(_ -> context.owner().setTimer(FLUSH_DELAY_MILLIS, _ -> flushAfterDelay()));
        }
    }

    private void flushAfterDelay() {
        synchronized (monitor) {
            timerSet = false;
        }
        flush();
    }

    private void flush() {
        Buffer chunk;
        synchronized (monitor) {
            flushAsked = false;
            if (storing || abandoned || pendingBytes == 0) {
                return;
            }
            chunk = pending.removeFirst();
            pendingBytes -= chunk.length();
            storing = true;
        }
        store(chunk);
    }

    private void store(Buffer chunk) {
        append(chunk).onComplete(result -> {
            if (result.succeeded()) {
                taken(chunk);
            } else {
                refused(chunk, result);
            }
        });
    }

    private Future<Void> append(Buffer chunk) {
        try {
            return sink.append(task, attempt, stored, chunk);
        } catch (RuntimeException broken) {
            return Future.failedFuture(broken);
        }
    }

    private void taken(Buffer chunk) {
        boolean more;
        synchronized (monitor) {
            storing = false;
            refused = false;
            stored += chunk.length();
            more = closed && pendingBytes > 0;
            if (!closed) {
                requestFlush();
            }
        }
        if (more) {
            context.runOnContext(_ -> flush());
        } else {
            completeIfStored();
        }
    }

    private void refused(Buffer chunk, AsyncResult<Void> result) {
        boolean again;
        synchronized (monitor) {
            if (abandoned) {
                return;
            }
            again = refused;
            refused = true;
        }
        if (!again) {
            LOG.log(
                    WARNING,
                    "cannot store a log now, trying until it works: task=" + task + " attempt=" + attempt + " reason="
                            + result.cause().getMessage());
        }
        context.runOnContext(_ -> context.owner().setTimer(RETRY_DELAY_MILLIS, _ -> store(chunk)));
    }

    private void completeIfStored() {
        Promise<Void> done;
        synchronized (monitor) {
            if (closing == null || storing || pendingBytes > 0) {
                return;
            }
            done = closing;
        }
        context.runOnContext(_ -> done.tryComplete());
    }

    private void abandon() {
        Promise<Void> done;
        synchronized (monitor) {
            if (closing == null || closing.future().isComplete()) {
                return;
            }
            abandoned = true;
            pending.clear();
            pendingBytes = 0;
            done = closing;
        }
        LOG.log(
                WARNING,
                "gave up storing the rest of a log task=" + task + " attempt=" + attempt + " stored=" + stored);
        done.tryComplete();
    }
}
