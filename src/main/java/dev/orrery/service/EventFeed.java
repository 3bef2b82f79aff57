package dev.orrery.service;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.RunState;
import dev.orrery.store.EventRepository;
import dev.orrery.store.EventRepository.Known;
import dev.orrery.store.EventRepository.News;
import dev.orrery.store.EventRepository.Progress;
import dev.orrery.store.EventRepository.StoredEvent;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Live events of runs. While somebody listens, one query for the whole node asks for the news of all the runs that are
 * watched, woken by signals and else every second, and each second another one how far their tasks have come. What it read lately is kept for each run; listeners are served from
 * there, and from the database where they are further behind. Listeners pull, so a slow one costs nothing but its own
 * delay, and what is read for it: how much of that the node holds is bounded, and beyond it a listener is turned away or
 * broken off, the slowest first, and may go on from its last event later.
 *
 * <p>All its state belongs to one event loop; it may be called from any.
 */
public final class EventFeed {

    /** More listeners are refused. */
    public static final int MAX_READERS = 1_000;

    private static final System.Logger LOG = System.getLogger(EventFeed.class.getName());
    private static final Duration LOOK_EVERY = Duration.ofSeconds(1);

    /** Who has asked for nothing for so long is slow: its connection is full, and it reads little or nothing. */
    private static final Duration SLOW_AFTER = Duration.ofSeconds(5);

    private static final int READ_LIMIT = 200;
    private static final int KEPT_CHANGES = 2_000;

    /** About what an event takes in memory, told or to be told. */
    private static final long EVENT_BYTES = 100;

    private final Vertx vertx;
    private final Context context;
    private final EventRepository events;
    private final IntFunction<Future<PublishedDag>> versions;
    private final Duration lookEvery;
    private final Duration slowAfter;
    private final RunBeginnings beginnings = new RunBeginnings(this::begin);

    /** The most events that are kept, and as many again that wait for their readers. */
    private final long eventsMax;

    private final Map<RunId, WatchedRun> watched = new LinkedHashMap<>();
    private int readerCount;
    private long keptChanges;
    private long pendingEvents;
    private long signals;
    private boolean looking;
    private boolean lookAgain;
    private boolean progressIsDue;
    private long timer = -1;

    /** A run with its listeners and its latest events: all of those behind {@code keptFrom} up to {@code knownTo}. */
    private static final class WatchedRun {
        private final RunId run;
        private final Set<RunEventReader> readers = new HashSet<>();
        private final Deque<StoredEvent> kept = new ArrayDeque<>();
        private int keptChanges;
        private long keptFrom;
        private long knownTo;

        WatchedRun(RunId run, long knownTo) {
            this.run = run;
            this.keptFrom = knownTo;
            this.knownTo = knownTo;
        }

        /** Answers how many changes more are kept than before, or how many less. */
        long keep(StoredEvent event) {
            var before = keptChanges;
            kept.add(event);
            keptChanges += size(event);
            knownTo = event.number();
            while (keptChanges > KEPT_CHANGES && kept.size() > 1) {
                forgetOldest();
            }
            return (long) keptChanges - before;
        }

        /** Answers how many changes less are kept. */
        long forgetAll() {
            var before = keptChanges;
            while (!kept.isEmpty()) {
                forgetOldest();
            }
            return before;
        }

        private void forgetOldest() {
            var oldest = kept.remove();
            keptChanges -= size(oldest);
            keptFrom = oldest.number();
        }

        private static int size(StoredEvent event) {
            return 1 + event.changes().size();
        }
    }

    /**
     * @param versions finds a DAG version by its row
     * @param bytesMax about how much memory all events may take together
     */
    public EventFeed(Vertx vertx, EventRepository events, IntFunction<Future<PublishedDag>> versions, long bytesMax) {
        this(vertx, events, versions, bytesMax, LOOK_EVERY, SLOW_AFTER);
    }

    EventFeed(
            Vertx vertx,
            EventRepository events,
            IntFunction<Future<PublishedDag>> versions,
            long bytesMax,
            Duration lookEvery,
            Duration slowAfter) {
        this.lookEvery = lookEvery;
        this.slowAfter = slowAfter;
        this.eventsMax = bytesMax / EVENT_BYTES / 2;
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.events = events;
        this.versions = versions;
    }

    /** There is something new in the history. */
    public void signal() {
        context.runOnContext(_ -> {
            signals++;
            look();
        });
    }

    /**
     * Opens the events of a run. Without an event to go on from, or with one that this database never told, the state of
     * everything comes first. Fails with {@code RUN_NOT_FOUND}, or with {@code OVERLOADED} where too many listen.
     */
    public Future<RunEvents> open(TenantId tenant, RunId run, Optional<String> lastEventId) {
        return onContext(() -> {
            if (readerCount >= MAX_READERS) {
                return Future.failedFuture(
                        new OrreryException(ErrorCode.OVERLOADED, "too many live streams are open: " + readerCount));
            }
            readerCount++;
            var heard = signals;
            var opened = beginnings
                    .of(tenant, run)
                    .compose(begun -> back(versions.apply(begun.snapshot().run().versionId()))
                            .map(dag -> watch(begun, dag, lastEventId)))
                    .onSuccess(_ -> lookIfMissed(heard));
            return back(opened).onFailure(_ -> readerCount--);
        });
    }

    private Future<RunBeginning> begin(TenantId tenant, RunId run) {
        return back(events.snapshot(tenant, run)
                .map(found -> found.map(snapshot -> new RunBeginning(this, snapshot))
                        .orElseThrow(() -> new OrreryException(ErrorCode.RUN_NOT_FOUND, "there is no run " + run))));
    }

    /** What came between the snapshot and now was told to nobody. */
    private void lookIfMissed(long heard) {
        if (signals != heard) {
            look();
        }
    }

    private RunEvents watch(RunBeginning begun, PublishedDag dag, Optional<String> lastEventId) {
        if (!hasRoom(begun) && !makeRoom(begun)) {
            throw full();
        }
        var reader = RunEventReader.open(this, dag, begun, lastEventId);
        watched.computeIfAbsent(
                        reader.run(),
                        run -> new WatchedRun(run, begun.snapshot().lastNumber()))
                .readers
                .add(reader);
        if (timer < 0) {
            timer = vertx.setPeriodic(lookEvery.toMillis(), _ -> {
                progressIsDue = true;
                look();
            });
        }
        return reader;
    }

    private boolean hasRoom(RunBeginning begun) {
        return pendingEvents == 0 || begun.weight() == 0 || pendingEvents + begun.weight() <= eventsMax;
    }

    /** Those for whom events wait without being asked for, the quietest first, make room for who comes. */
    private boolean makeRoom(RunBeginning begun) {
        var slow = watched.values().stream()
                .flatMap(run -> run.readers.stream())
                .filter(reader -> reader.quiet().compareTo(slowAfter) > 0)
                .sorted(Comparator.comparing(RunEventReader::quiet).reversed())
                .iterator();
        while (slow.hasNext() && !hasRoom(begun)) {
            slow.next().breakOff();
        }
        return hasRoom(begun);
    }

    /** Counts events that wait for their reader, or no longer do. */
    void pending(int more) {
        pendingEvents += more;
    }

    /** Whether so many events wait for their readers that the slow ones have to go. */
    boolean isFull() {
        return pendingEvents > eventsMax;
    }

    static OrreryException full() {
        return new OrreryException(
                ErrorCode.OVERLOADED, "too many events wait for their readers; go on later from the last one");
    }

    /** Runs it on the feed's event loop. */
    <T> Future<T> onContext(Supplier<Future<T>> action) {
        Promise<T> promise = Promise.promise();
        context.runOnContext(_ -> action.get().onComplete(promise));
        return promise.future();
    }

    /** The same answer, on the feed's event loop. */
    private <T> Future<T> back(Future<T> answer) {
        Promise<T> promise = Promise.promise();
        answer.onComplete(result -> context.runOnContext(_ -> promise.handle(result)));
        return promise.future();
    }

    /** Called on the event loop, once for each reader. */
    void forget(RunEventReader reader) {
        readerCount--;
        var run = watched.get(reader.run());
        if (run != null && run.readers.remove(reader) && run.readers.isEmpty()) {
            watched.remove(run.run);
            keptChanges -= run.forgetAll();
        }
        if (watched.isEmpty() && timer >= 0) {
            vertx.cancelTimer(timer);
            timer = -1;
        }
    }

    /**
     * The events of a run behind the one of this number: from what is kept if that reaches back so far, else from the
     * database. An empty list means that there are none yet; the reader is told when there may be.
     */
    Future<Behind> behind(RunId run, long number) {
        var kept = watched.get(run);
        if (kept == null || number < kept.keptFrom) {
            return events.read(run, number, READ_LIMIT).map(read -> new Behind(some(read), false));
        }
        return Future.succeededFuture(new Behind(
                some(kept.kept.stream()
                        .filter(event -> event.number() > number)
                        .limit(READ_LIMIT)
                        .toList()),
                true));
    }

    /** {@code atHand}: they can be asked for again at no cost, so a reader need not keep what it does not take at once. */
    record Behind(List<StoredEvent> events, boolean atHand) {}

    /** The first of the events, at least one: a reader is not given more at once than is kept of a run. */
    private static List<StoredEvent> some(List<StoredEvent> events) {
        var changes = 0;
        for (var count = 0; count < events.size(); count++) {
            if (changes > KEPT_CHANGES) {
                return events.subList(0, count);
            }
            changes += events.get(count).changes().size();
        }
        return events;
    }

    private void look() {
        if (watched.isEmpty()) {
            return;
        }
        if (looking) {
            lookAgain = true;
            return;
        }
        looking = true;
        lookAgain = false;
        var asked = watched.values().stream()
                .map(run -> new Known(run.run, run.knownTo))
                .toList();
        events.news(asked, READ_LIMIT).onComplete((news, failure) -> {
            if (failure != null) {
                looking = false;
                LOG.log(WARNING, "event=history_unreadable", failure);
                return;
            }
            news.forEach(this::tell);
            lookAgain |= news.stream().anyMatch(run -> run.events().size() == READ_LIMIT);
            if (progressIsDue && !lookAgain && !watched.isEmpty()) {
                progressIsDue = false;
                lookAtProgress();
            } else {
                looked();
            }
        });
    }

    private void looked() {
        looking = false;
        if (lookAgain) {
            look();
        }
    }

    /** After the news, and before the next: nothing is told of what was told to have ended. */
    private void lookAtProgress() {
        events.progress(List.copyOf(watched.keySet())).onComplete((told, failure) -> {
            if (failure != null) {
                LOG.log(WARNING, "event=progress_unreadable", failure);
            } else {
                told.stream().collect(Collectors.groupingBy(Progress::run)).forEach(this::tellProgress);
            }
            looked();
        });
    }

    private void tellProgress(RunId id, List<Progress> told) {
        var run = watched.get(id);
        if (run != null) {
            List.copyOf(run.readers).forEach(reader -> reader.maybeTell(told));
        }
    }

    private void tell(News news) {
        var run = watched.get(news.run());
        if (run == null) {
            return;
        }
        // A run that was left and opened again meanwhile may know more than was asked for.
        news.events().stream()
                .filter(event -> event.number() > run.knownTo)
                .forEach(event -> keptChanges += run.keep(event));
        if (keptChanges > eventsMax) {
            // Its readers find them in the database.
            keptChanges -= run.forgetAll();
        }
        var isOver = news.state().map(RunState::isTerminal).orElse(true)
                && news.events().size() < READ_LIMIT;
        if (isOver || !news.events().isEmpty()) {
            List.copyOf(run.readers).forEach(reader -> reader.maybeMore(isOver));
        }
    }
}
