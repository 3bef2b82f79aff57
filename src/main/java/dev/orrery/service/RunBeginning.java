package dev.orrery.service;

import dev.orrery.domain.task.TaskState;
import dev.orrery.store.EventRepository.RunSnapshot;
import dev.orrery.store.TaskInstanceRepository.StoredInstance;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * How a run stood at one moment, as those are told who begin to watch it. All who asked at the same time share one, so that
 * many slow readers of a large run keep no more than one of them does. Belongs to the event loop of its feed.
 */
final class RunBeginning {

    /** An id of events that are no place to go on from: who broke off in the middle of the first events begins anew. */
    static final String INCOMPLETE = "begin";

    private final EventFeed feed;
    private final RunSnapshot snapshot;
    private List<RunEvent> events = List.of();
    private int readers;

    RunBeginning(EventFeed feed, RunSnapshot snapshot) {
        this.feed = feed;
        this.snapshot = snapshot;
    }

    RunSnapshot snapshot() {
        return snapshot;
    }

    /** How many events more would be kept if another reader took it. */
    int weight() {
        return readers > 0 ? 0 : snapshot.tasks().size();
    }

    /** For one reader more, which leaves again. */
    void take() {
        if (readers == 0) {
            events = tellAll();
            feed.pending(events.size());
        }
        readers++;
    }

    void leave() {
        readers--;
        if (readers == 0) {
            feed.pending(-events.size());
            events = List.of();
        }
    }

    List<RunEvent> events() {
        return events;
    }

    /** The run comes last: with its event, all is told. */
    private List<RunEvent> tellAll() {
        var all = new ArrayList<RunEvent>(snapshot.tasks().size() + 1);
        for (var task : snapshot.tasks()) {
            all.add(task(task));
            if (task.instance().state() == TaskState.RUNNING) {
                task.progress().ifPresent(percent -> all.add(progress(task, percent)));
            }
        }
        var run = snapshot.run().run();
        var at = run.completedAt().or(run::startedAt).orElse(run.createdAt());
        all.add(new RunEvent.Run(Long.toString(snapshot.lastNumber()), run.state(), at));
        return all;
    }

    private static RunEvent progress(StoredInstance stored, int percent) {
        var task = stored.instance();
        return new RunEvent.Progress(INCOMPLETE, task.taskId(), task.attempt(), percent);
    }

    private static RunEvent task(StoredInstance stored) {
        var task = stored.instance();
        Instant at = task.completedAt().or(task::startedAt).orElse(task.createdAt());
        return new RunEvent.Task(INCOMPLETE, task.taskId(), task.state(), task.attempt(), task.workerId(), at);
    }
}
