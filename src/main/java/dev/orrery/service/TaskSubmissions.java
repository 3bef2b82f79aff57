package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.store.NewTask;
import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.SubmissionResult;
import dev.orrery.store.SubmissionResult.CreatedTask;
import dev.orrery.store.TaskSubmission;
import io.vertx.core.Future;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Stores what many submit at the same time, and tells the routers which queues have new work: once for all that went together,
 * since each message wakes another thread.
 */
public final class TaskSubmissions {

    private final SingleTaskRepository tasks;
    private final Bus bus;

    public TaskSubmissions(SingleTaskRepository tasks, Bus bus) {
        this.tasks = requireNonNull(tasks, "tasks");
        this.bus = requireNonNull(bus, "bus");
    }

    /** Each submission whole or not at all; the results are in the order of the submissions. */
    public Future<List<SubmissionResult>> store(List<TaskSubmission> submissions) {
        return tasks.submit(submissions).onSuccess(results -> {
            var queues = new HashSet<String>();
            for (var n = 0; n < results.size(); n++) {
                if (results.get(n) instanceof SubmissionResult.Created created) {
                    addQueues(submissions.get(n).tasks(), created.tasks(), queues);
                }
            }
            if (!queues.isEmpty()) {
                bus.publish(Addresses.WORK_READY, new WorkReady(queues));
            }
        });
    }

    private static void addQueues(List<NewTask> tasks, List<CreatedTask> created, Set<String> queues) {
        for (var n = 0; n < created.size(); n++) {
            if (created.get(n).isNew() && created.get(n).state() == SubmittedState.READY) {
                queues.add(tasks.get(n).queue());
            }
        }
    }
}
