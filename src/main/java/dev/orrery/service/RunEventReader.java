package dev.orrery.service;

import dev.orrery.domain.RunId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.task.TaskState;
import dev.orrery.store.EventRepository.Progress;
import dev.orrery.store.EventRepository.StoredEvent;
import dev.orrery.store.TaskInstanceRepository.StoredInstance;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One reader of a run's events; its state belongs to the event loop of its feed. */
final class RunEventReader implements RunEvents {

    private static final int EVENTS_AT_ONCE = 500;
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

    private final EventFeed feed;
    private final PublishedDag dag;
    private final RunId run;
    private final Deque<RunEvent> pending = new ArrayDeque<>();

    /** The tasks that run, by their numbers, as far as that is told or pending. */
    private final Map<Integer, Running> running = new HashMap<>();

    /** The number of the last event that is told or pending, and how many changes of the one behind it are. */
    private long number;

    private int changesTold;

    /** What it is told first, until it has taken it all, and how much of that it has taken. */
    private @Nullable RunBeginning beginning;

    private int begun;
    private long takenNanos = System.nanoTime();
    private boolean runEnded;
    private boolean brokenOff;
    private boolean closed;
    private boolean looking;
    private boolean lookAgain;
    private @Nullable Promise<List<RunEvent>> waiting;

    /** {@code percent}: how far it has come, as was told; {@link #UNTOLD} where nothing was. */
    private record Running(int attempt, int percent) {

        private static final int UNTOLD = -1;
    }

    private RunEventReader(EventFeed feed, PublishedDag dag, RunId run, long number, boolean runEnded) {
        this.feed = feed;
        this.dag = dag;
        this.run = run;
        this.number = number;
        this.runEnded = runEnded;
    }

    static RunEventReader open(EventFeed feed, PublishedDag dag, RunBeginning begun, Optional<String> lastEventId) {
        var snapshot = begun.snapshot();
        var run = snapshot.run().run();
        var ended = run.state().isTerminal();
        var known = lastEventId
                .filter(id -> NUMBER.matcher(id).matches())
                .map(Long::parseLong)
                .filter(number -> number <= snapshot.lastNumber());
        if (known.isPresent()) {
            var reader = new RunEventReader(feed, dag, run.id(), known.get(), ended);
            snapshot.tasks().forEach(task -> reader.note(task, Running.UNTOLD));
            return reader;
        }
        var reader = new RunEventReader(feed, dag, run.id(), snapshot.lastNumber(), ended);
        reader.tellAll(begun, lastEventId.isPresent());
        return reader;
    }

    RunId run() {
        return run;
    }

    private void tellAll(RunBeginning begun, boolean forgetBefore) {
        if (forgetBefore) {
            pending.add(new RunEvent.Reset(RunBeginning.INCOMPLETE));
            feed.pending(1);
        }
        begun.snapshot().tasks().forEach(task -> note(task, task.progress().orElse(Running.UNTOLD)));
        begun.take();
        beginning = begun;
    }

    private void note(StoredInstance stored, int percent) {
        var task = stored.instance();
        note(task.id().taskNumber(), task.state(), new Running(task.attempt(), percent));
    }

    private void note(int taskNumber, TaskState state, Running attempt) {
        if (state == TaskState.RUNNING) {
            running.put(taskNumber, attempt);
        } else {
            running.remove(taskNumber);
        }
    }

    @Override
    public Future<List<RunEvent>> next() {
        return feed.onContext(() -> {
            if (closed) {
                return Future.failedFuture(new IllegalStateException("closed"));
            }
            if (brokenOff) {
                return Future.failedFuture(EventFeed.full());
            }
            takenNanos = System.nanoTime();
            if (beginning != null || !pending.isEmpty()) {
                return Future.succeededFuture(takePending());
            }
            Promise<List<RunEvent>> promise = Promise.promise();
            waiting = promise;
            maybeMore(runEnded);
            return promise.future();
        });
    }

    private List<RunEvent> takePending() {
        var events = new ArrayList<RunEvent>();
        while (!pending.isEmpty() && events.size() < EVENTS_AT_ONCE) {
            events.add(pending.remove());
        }
        feed.pending(-events.size());
        if (beginning != null) {
            takeBeginning(beginning, events);
        }
        return events;
    }

    private void takeBeginning(RunBeginning from, List<RunEvent> events) {
        var end = Math.min(from.events().size(), begun + EVENTS_AT_ONCE - events.size());
        events.addAll(from.events().subList(begun, end));
        begun = end;
        if (end == from.events().size()) {
            leaveBeginning();
        }
    }

    private void leaveBeginning() {
        if (beginning != null) {
            beginning.leave();
            beginning = null;
        }
    }

    /** For how long nothing was asked of what is kept for it; zero where nothing is. */
    Duration quiet() {
        return beginning == null && pending.isEmpty()
                ? Duration.ZERO
                : Duration.ofNanos(System.nanoTime() - takenNanos);
    }

    /** Keeps nothing for it any more: when it asks again, it is told to go on later. */
    void breakOff() {
        brokenOff = true;
        dropAll();
    }

    private void dropAll() {
        leaveBeginning();
        feed.pending(-pending.size());
        pending.clear();
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
        feed.behind(run, number).onComplete((behind, failure) -> {
            looking = false;
            if (closed) {
                return;
            }
            if (failure != null) {
                answerWaiting(Future.failedFuture(failure));
                return;
            }
            add(behind.events(), behind.atHand() ? EVENTS_AT_ONCE : Integer.MAX_VALUE);
            feed.pending(pending.size());
            if (pending.size() > EVENTS_AT_ONCE && feed.isFull()) {
                answerWaiting(Future.failedFuture(EventFeed.full()));
            } else if (!pending.isEmpty()) {
                answerWaiting(Future.succeededFuture(takePending()));
            } else if (lookAgain || !behind.events().isEmpty()) {
                maybeMore(runEnded);
            } else if (runEnded) {
                answerWaiting(Future.succeededFuture(List.of()));
            }
        });
    }

    /** Tells how far tasks have come, if somebody waits and that is news; who does not wait is told later what is true then. */
    void maybeTell(List<Progress> told) {
        if (waiting == null || looking || closed) {
            return;
        }
        for (var news : told) {
            var known = running.get(news.taskNumber());
            if (known != null && known.attempt() == news.attempt() && known.percent() != news.percent()) {
                running.put(news.taskNumber(), new Running(news.attempt(), news.percent()));
                var task = dag.definition().task(news.taskNumber()).id();
                pending.add(new RunEvent.Progress(Long.toString(number), task, news.attempt(), news.percent()));
            }
        }
        if (!pending.isEmpty()) {
            feed.pending(pending.size());
            answerWaiting(Future.succeededFuture(takePending()));
        }
    }

    private void answerWaiting(Future<List<RunEvent>> answer) {
        var promise = waiting;
        waiting = null;
        if (promise != null) {
            answer.onComplete(promise);
        }
    }

    private void add(List<StoredEvent> events, int most) {
        for (var event : events) {
            if (!addAll(event, most)) {
                return;
            }
        }
    }

    /**
     * Only the last event of a transaction names it: whoever breaks off in the middle hears it all again. False where not all of
     * it found room; the rest follows when it is asked for again.
     */
    private boolean addAll(StoredEvent event, int most) {
        var before = Long.toString(number);
        var after = Long.toString(event.number());
        var changes = event.changes();
        for (; changesTold < changes.size(); changesTold++) {
            if (pending.size() >= most) {
                return false;
            }
            var change = changes.get(changesTold);
            note(change.taskNumber(), change.state(), new Running(change.attempt(), Running.UNTOLD));
            var isLast = changesTold == changes.size() - 1 && event.runState().isEmpty();
            pending.add(new RunEvent.Task(
                    isLast ? after : before,
                    dag.definition().task(change.taskNumber()).id(),
                    change.state(),
                    change.attempt(),
                    change.worker(),
                    event.at()));
        }
        changesTold = 0;
        number = event.number();
        event.runState().ifPresent(state -> {
            pending.add(new RunEvent.Run(after, state, event.at()));
            runEnded |= state.isTerminal();
        });
        return true;
    }

    @Override
    public void close() {
        feed.onContext(() -> {
            if (!closed) {
                closed = true;
                answerWaiting(Future.failedFuture(new IllegalStateException("closed")));
                dropAll();
                feed.forget(this);
            }
            return Future.succeededFuture();
        });
    }
}
