package dev.orrery.service;

import dev.orrery.domain.RunId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.store.EventRepository.RunSnapshot;
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
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One reader of a run's events; its state belongs to the event loop of its feed. */
final class RunEventReader implements RunEvents {

    private static final int EVENTS_AT_ONCE = 500;
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

    /** An id of events that are no place to go on from: who broke off in the middle of the first events begins anew. */
    private static final String INCOMPLETE = "begin";

    private final EventFeed feed;
    private final PublishedDag dag;
    private final RunId run;
    private final Deque<RunEvent> pending = new ArrayDeque<>();

    /** The number of the last event that is told or pending. */
    private long number;

    private boolean runEnded;
    private boolean closed;
    private boolean looking;
    private boolean lookAgain;
    private @Nullable Promise<List<RunEvent>> waiting;

    private RunEventReader(EventFeed feed, PublishedDag dag, RunId run, long number, boolean runEnded) {
        this.feed = feed;
        this.dag = dag;
        this.run = run;
        this.number = number;
        this.runEnded = runEnded;
    }

    static RunEventReader open(EventFeed feed, PublishedDag dag, RunSnapshot snapshot, Optional<String> lastEventId) {
        var run = snapshot.run().run();
        var ended = run.state().isTerminal();
        var known = lastEventId
                .filter(id -> NUMBER.matcher(id).matches())
                .map(Long::parseLong)
                .filter(number -> number <= snapshot.lastNumber());
        if (known.isPresent()) {
            return new RunEventReader(feed, dag, run.id(), known.get(), ended);
        }
        var reader = new RunEventReader(feed, dag, run.id(), snapshot.lastNumber(), ended);
        reader.tellAll(snapshot, lastEventId.isPresent());
        feed.pending(reader.pending.size());
        return reader;
    }

    RunId run() {
        return run;
    }

    /** The run comes last: with its event, all is told. */
    private void tellAll(RunSnapshot snapshot, boolean forgetBefore) {
        if (forgetBefore) {
            pending.add(new RunEvent.Reset(INCOMPLETE));
        }
        var stored = snapshot.run().run();
        for (var task : snapshot.tasks()) {
            pending.add(task(task));
        }
        var at = stored.completedAt().or(stored::startedAt).orElse(stored.createdAt());
        pending.add(new RunEvent.Run(Long.toString(number), stored.state(), at));
    }

    private static RunEvent task(StoredInstance stored) {
        var task = stored.instance();
        Instant at = task.completedAt().or(task::startedAt).orElse(task.createdAt());
        return new RunEvent.Task(INCOMPLETE, task.taskId(), task.state(), task.attempt(), task.workerId(), at);
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
            maybeMore(runEnded);
            return promise.future();
        });
    }

    private List<RunEvent> takePending() {
        var events = new ArrayList<RunEvent>(Math.min(EVENTS_AT_ONCE, pending.size()));
        while (!pending.isEmpty() && events.size() < EVENTS_AT_ONCE) {
            events.add(pending.remove());
        }
        feed.pending(-events.size());
        return events;
    }

    /** Looks for what follows, if somebody waits for it. {@code ended}: the run has ended, or is gone. */
    void maybeMore(boolean ended) {
        runEnded |= ended;
        if (waiting == null || closed) {
            return;
        }
        if (looking) {
            lookAgain = true;
            return;
        }
        looking = true;
        lookAgain = false;
        feed.behind(run, number).onComplete((events, failure) -> {
            looking = false;
            if (closed) {
                return;
            }
            if (failure != null) {
                answerWaiting(Future.failedFuture(failure));
                return;
            }
            events.forEach(this::add);
            feed.pending(pending.size());
            if (pending.size() > EVENTS_AT_ONCE && feed.isFull()) {
                answerWaiting(Future.failedFuture(EventFeed.full()));
            } else if (!pending.isEmpty()) {
                answerWaiting(Future.succeededFuture(takePending()));
            } else if (lookAgain || !events.isEmpty()) {
                maybeMore(runEnded);
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

    /** Only the last event of a transaction names it: whoever breaks off in the middle hears it all again. */
    private void add(StoredEvent event) {
        var before = Long.toString(number);
        number = event.number();
        var changes = event.changes();
        for (var i = 0; i < changes.size(); i++) {
            var change = changes.get(i);
            var isLast = i == changes.size() - 1 && event.runState().isEmpty();
            pending.add(new RunEvent.Task(
                    isLast ? Long.toString(number) : before,
                    dag.definition().task(change.taskNumber()).id(),
                    change.state(),
                    change.attempt(),
                    change.worker(),
                    event.at()));
        }
        event.runState().ifPresent(state -> {
            pending.add(new RunEvent.Run(Long.toString(number), state, event.at()));
            runEnded |= state.isTerminal();
        });
    }

    @Override
    public void close() {
        feed.onContext(() -> {
            if (!closed) {
                closed = true;
                answerWaiting(Future.failedFuture(new IllegalStateException("closed")));
                feed.pending(-pending.size());
                pending.clear();
                feed.forget(this);
            }
            return Future.succeededFuture();
        });
    }
}
