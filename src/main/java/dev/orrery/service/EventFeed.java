package dev.orrery.service;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.store.EventRepository;
import dev.orrery.store.EventRepository.Place;
import dev.orrery.store.EventRepository.StoredEvent;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Live events of runs. One reader for the whole node goes through the history while somebody listens, woken by signals
 * and else every second, and keeps what it read lately in a ring; listeners are served from there, and from the
 * database where they are further behind. Listeners pull, so a slow one costs nothing but its own delay.
 *
 * <p>All its state belongs to one event loop; it may be called from any.
 */
public final class EventFeed {

    private static final System.Logger LOG = System.getLogger(EventFeed.class.getName());
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
    private static final int READ_LIMIT = 500;
    private static final int RING_CHANGES = 50_000;

    private final Vertx vertx;
    private final Context context;
    private final EventRepository events;
    private final IntFunction<Future<PublishedDag>> versions;

    private final Set<RunEventReader> readers = new HashSet<>();
    private final Deque<StoredEvent> ring = new ArrayDeque<>();
    private int changesInRing;
    private @Nullable Place ringBegin;
    private @Nullable Place readTo;
    private boolean reading;
    private boolean readAgain;
    private long timer = -1;

    /** {@code versions}: finds a DAG version by its row. */
    public EventFeed(Vertx vertx, EventRepository events, IntFunction<Future<PublishedDag>> versions) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.events = events;
        this.versions = versions;
    }

    /** There is something new in the history. */
    public void signal() {
        context.runOnContext(_ -> read());
    }

    /**
     * Opens the events of a run. Without a place to go on from, or with one that this database never gave out, the state
     * of everything comes first. Fails with RUN_NOT_FOUND.
     */
    public Future<RunEvents> open(TenantId tenant, RunId run, Optional<String> lastEventId) {
        return onContext(() -> events.snapshot(tenant, run)
                .map(found ->
                        found.orElseThrow(() -> new OrreryException(ErrorCode.RUN_NOT_FOUND, "there is no run " + run)))
                .compose(snapshot -> versions.apply(snapshot.run().versionId()).map(dag -> {
                    var reader = RunEventReader.open(this, dag, snapshot, lastEventId);
                    readers.add(reader);
                    startLooking();
                    return reader;
                })));
    }

    /** Runs it on the feed's event loop. */
    <T> Future<T> onContext(Supplier<Future<T>> action) {
        Promise<T> promise = Promise.promise();
        context.runOnContext(_ -> action.get().onComplete(promise));
        return promise.future();
    }

    void close(RunEventReader reader) {
        context.runOnContext(_ -> {
            readers.remove(reader);
            if (readers.isEmpty()) {
                stopLooking();
            }
        });
    }

    /**
     * The events of a run behind a place: from the ring if it reaches back so far, else from the database. An empty list
     * means that there are none yet; the reader is told when there may be.
     */
    Future<List<StoredEvent>> behind(RunId run, Place place) {
        if (ringBegin == null || place.compareTo(ringBegin) < 0) {
            return events.read(run, place, READ_LIMIT);
        }
        return Future.succeededFuture(ring.stream()
                .filter(event -> event.run().equals(run) && event.place().compareTo(place) > 0)
                .limit(READ_LIMIT)
                .toList());
    }

    private void startLooking() {
        if (timer < 0) {
            timer = vertx.setPeriodic(LOOK_EVERY.toMillis(), _ -> read());
            read();
        }
    }

    private void stopLooking() {
        vertx.cancelTimer(timer);
        timer = -1;
        ring.clear();
        changesInRing = 0;
        ringBegin = null;
        readTo = null;
    }

    private void read() {
        if (timer < 0) {
            return;
        }
        if (reading) {
            readAgain = true;
            return;
        }
        reading = true;
        readAgain = false;
        var from = readTo;
        var next = from == null
                ? events.end().map(this::begin)
                : events.read(from, READ_LIMIT).map(this::keep);
        next.onComplete(answer -> {
            reading = false;
            if (answer.failed()) {
                LOG.log(
                        WARNING,
                        "cannot read the history of states: " + answer.cause().getMessage());
            } else if (answer.result() || readAgain) {
                read();
            }
        });
    }

    /** Whoever opened before this place was known reads the database once. */
    private boolean begin(Place end) {
        readTo = end;
        ringBegin = end;
        List.copyOf(readers).forEach(RunEventReader::maybeMore);
        return false;
    }

    /** Keeps what was read; true where there is more to read at once. */
    private boolean keep(List<StoredEvent> read) {
        if (timer < 0 || read.isEmpty()) {
            return false;
        }
        for (var event : read) {
            ring.add(event);
            changesInRing += 1 + event.changes().size();
        }
        readTo = read.getLast().place();
        while (changesInRing > RING_CHANGES && ring.size() > 1) {
            var oldest = ring.remove();
            changesInRing -= 1 + oldest.changes().size();
            ringBegin = oldest.place();
        }
        var runs = new HashSet<RunId>();
        read.forEach(event -> runs.add(event.run()));
        List.copyOf(readers).stream()
                .filter(reader -> runs.contains(reader.run()))
                .forEach(RunEventReader::maybeMore);
        return read.size() == READ_LIMIT;
    }
}
