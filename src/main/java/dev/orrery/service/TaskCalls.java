package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.store.NewRun;
import dev.orrery.store.SingleTaskRepository;
import dev.orrery.store.SingleTaskRepository.Patch;
import dev.orrery.store.TaskCallRepository;
import dev.orrery.store.TaskCallRepository.Effects;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;

/** What is done to single tasks that are there. Each call is one store transaction, then signals to whom it concerns. */
public final class TaskCalls {

    private final TaskCallRepository calls;
    private final SingleTaskRepository tasks;
    private final Bus bus;

    public TaskCalls(TaskCallRepository calls, SingleTaskRepository tasks, Bus bus) {
        this.calls = requireNonNull(calls, "calls");
        this.tasks = requireNonNull(tasks, "tasks");
        this.bus = requireNonNull(bus, "bus");
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public TaskCalls by(ChangeRequest request) {
        return new TaskCalls(calls.by(request), tasks.by(request), bus);
    }

    /**
     * Cancels a task with all that is below it and all that waits for any of these. What runs is told to end; of very many the
     * last are cancelled some seconds later. Repeating it changes nothing.
     */
    public Future<Void> cancel(TenantId tenant, TaskInstanceId id, Optional<RequestKey> key) {
        return calls.cancel(tenant, id, stored(key)).onSuccess(this::tell).mapEmpty();
    }

    /** Tries a task again that ended badly, with what was cancelled because of it. */
    public Future<Void> retry(TenantId tenant, TaskInstanceId id, Optional<RequestKey> key) {
        return calls.retry(tenant, id, stored(key)).onSuccess(this::tell).mapEmpty();
    }

    /** Lets a task that has not begun wait for another one as well. */
    public Future<Void> addDependency(
            TenantId tenant,
            TaskInstanceId dependent,
            TaskInstanceId prerequisite,
            DependencyType type,
            Optional<RequestKey> key) {
        return calls.insertTaskDependency(tenant, dependent, prerequisite, type, stored(key));
    }

    /** Puts a task that has not begun off until a time. */
    public Future<Void> snoozeUntil(TenantId tenant, TaskInstanceId id, Instant until, Optional<RequestKey> key) {
        return calls.snoozeUntil(tenant, id, until, stored(key));
    }

    /** Puts a task that has not begun off by a time. */
    public Future<Void> snoozeFor(TenantId tenant, TaskInstanceId id, Duration time, Optional<RequestKey> key) {
        return calls.snoozeFor(tenant, id, time, stored(key));
    }

    /** Changes how urgent a task is that has not ended, and with it all that it waits for. */
    public Future<Void> patch(TenantId tenant, TaskInstanceId id, Patch patch) {
        return tasks.patch(tenant, id, patch).compose(patched -> switch (patched) {
            case PATCHED -> Future.succeededFuture();
            case ENDED ->
                Future.failedFuture(new OrreryException(
                        ErrorCode.CONFLICT, "task " + id + " has ended: how urgent it was cannot be changed any more"));
            case NONE -> Future.failedFuture(new OrreryException(ErrorCode.TASK_NOT_FOUND, "there is no task " + id));
        });
    }

    /** Does a bounded part of what cancels and ends have left to later transactions; true where there may be more. */
    public Future<Boolean> continueCascades() {
        return calls.continueCascades().map(effects -> {
            effects.ifPresent(this::tell);
            return effects.isPresent();
        });
    }

    private void tell(Effects effects) {
        if (!effects.nodes().isEmpty()) {
            bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
        }
        if (!effects.readyQueues().isEmpty()) {
            bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(effects.readyQueues())));
        }
    }

    private static Optional<NewRun.Key> stored(Optional<RequestKey> key) {
        return key.map(given -> new NewRun.Key(given.operation(), given.key(), given.requestHash()));
    }
}
