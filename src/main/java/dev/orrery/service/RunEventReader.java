package dev.orrery.service;

import dev.orrery.domain.RunId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.store.EventRepository.Place;
import dev.orrery.store.EventRepository.RunSnapshot;
import dev.orrery.store.EventRepository.Snapshot;
import dev.orrery.store.EventRepository.StoredEvent;
import dev.orrery.store.TaskInstanceRepository.StoredInstance;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One reader of a run's events; its state belongs to the event loop of its feed. */
final class RunEventReader implements RunEvents {

    private static final int EVENTS_AT_ONCE = 500;

    private final EventFeed feed;
    private final PublishedDag dag;
    private final RunId run;
    private final Deque<RunEvent> pending = new ArrayDeque<>();

    /** What the first events told already; its transactions are passed over. */
    private final @Nullable Snapshot told;

    private Place place;
    private boolean runEnded;
    private boolean closed;
    private boolean looking;
    private boolean lookAgain;
    private @Nullable Promise<List<RunEvent>> waiting;

    private RunEventReader(
            EventFeed feed, PublishedDag dag, RunId run, Place place, @Nullable Snapshot told, boolean runEnded) {
        this.feed = feed;
        this.dag = dag;
        this.run = run;
        this.place = place;
        this.told = told;
        this.runEnded = runEnded;
    }

    static RunEventReader open(EventFeed feed, PublishedDag dag, RunSnapshot snapshot, Optional<String> lastEventId) {
        var run = snapshot.run().run();
        var ended = run.state().isTerminal();
        var asked = lastEventId.flatMap(Place::parse);
        var isKnown =
                asked.filter(at -> at.xid() >= 0 && at.xid() <= snapshot.seen().xmax());
        if (isKnown.isPresent()) {
            return new RunEventReader(feed, dag, run.id(), isKnown.get(), null, ended);
        }
        var reader = new RunEventReader(feed, dag, run.id(), snapshot.seen().place(), snapshot.seen(), ended);
        reader.tellAll(snapshot, lastEventId.isPresent());
        return reader;
    }

    RunId run() {
        return run;
    }

    private void tellAll(RunSnapshot snapshot, boolean forgetBefore) {
        var id = place.toString();
        if (forgetBefore) {
            pending.add(new RunEvent.Reset(id));
        }
        var stored = snapshot.run().run();
        for (var task : snapshot.tasks()) {
            pending.add(task(id, task));
        }
        var at = stored.completedAt().or(stored::startedAt).orElse(stored.createdAt());
        pending.add(new RunEvent.Run(id, stored.state(), at));
    }

    private static RunEvent task(String id, StoredInstance stored) {
        var task = stored.instance();
        Instant at = task.completedAt().or(task::startedAt).orElse(task.createdAt());
        return new RunEvent.Task(id, task.taskId(), task.state(), task.attempt(), task.workerId(), at);
    }

    @Override
    public Future<List<RunEvent>> next() {
        return feed.onContext(() -> {
            if (closed) {
                return Future.failedFuture(new IllegalStateException("closed"));
            }
            if (!pending.isEmpty()) {
                return Future.succeededFuture(takePending());
            }
            Promise<List<RunEvent>> promise = Promise.promise();
            waiting = promise;
            maybeMore();
            return promise.future();
        });
    }

    private List<RunEvent> takePending() {
        var events = new ArrayList<RunEvent>(Math.min(EVENTS_AT_ONCE, pending.size()));
        while (!pending.isEmpty() && events.size() < EVENTS_AT_ONCE) {
            events.add(pending.remove());
        }
        return events;
    }

    /** Looks for what follows, if somebody waits for it. */
    void maybeMore() {
        if (waiting == null || closed) {
            return;
        }
        if (looking) {
            lookAgain = true;
            return;
        }
        looking = true;
        lookAgain = false;
        feed.onContext(() -> feed.behind(run, place)).onComplete(answer -> {
            looking = false;
            if (answer.failed()) {
                answerWaiting(Future.failedFuture(answer.cause()));
                return;
            }
            answer.result().forEach(this::add);
            if (!pending.isEmpty()) {
                answerWaiting(Future.succeededFuture(takePending()));
            } else if (lookAgain || !answer.result().isEmpty()) {
                maybeMore();
            } else if (runEnded) {
                answerWaiting(Future.succeededFuture(List.of()));
            }
        });
    }

    private void answerWaiting(Future<List<RunEvent>> answer) {
        var promise = waiting;
        waiting = null;
        if (promise != null) {
            answer.onComplete(promise);
        }
    }

    /** Only the last event of a transaction names its place: whoever breaks off in the middle hears it all again. */
    private void add(StoredEvent event) {
        var before = place.toString();
        place = event.place();
        if (told != null && told.sees(event.place())) {
            return;
        }
        var events = new ArrayList<RunEvent>(event.changes().size() + 1);
        var changes = event.changes();
        for (var i = 0; i < changes.size(); i++) {
            var change = changes.get(i);
            var isLast = i == changes.size() - 1 && event.runState().isEmpty();
            events.add(new RunEvent.Task(
                    isLast ? place.toString() : before,
                    dag.definition().task(change.taskNumber()).id(),
                    change.state(),
                    change.attempt(),
                    change.worker(),
                    event.at()));
        }
        event.runState().ifPresent(state -> {
            events.add(new RunEvent.Run(place.toString(), state, event.at()));
            runEnded |= state.isTerminal();
        });
        pending.addAll(events);
    }

    @Override
    public void close() {
        feed.onContext(() -> {
            closed = true;
            answerWaiting(Future.failedFuture(new IllegalStateException("closed")));
            feed.close(this);
            return Future.succeededFuture();
        });
    }
}
