package dev.orrery.service;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.dag.TaskDraft.Reference;
import dev.orrery.domain.dag.TaskDraft.Reference.Existing;
import dev.orrery.domain.dag.TaskDraft.Reference.Together;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.dag.TaskType.RemoteWork;
import dev.orrery.domain.task.SingleTask;
import dev.orrery.domain.task.UniqueKey;
import dev.orrery.store.DagJson;
import dev.orrery.store.NewTask;
import dev.orrery.store.SubmissionResult.CreatedTask;
import dev.orrery.store.TaskSubmission;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Tasks that are submitted together, on their way into the store and back: there, each stands behind those that it waits for,
 * while whoever submits them may have them in any order.
 */
final class TaskBatch {

    /** Its id is that of its row. */
    private static final TaskId ANY = new TaskId("task");

    private final TenantId tenant;
    private final UUID base;
    private final List<TaskDraft> drafts;

    /** By the place in the request, from 0 on: the number in the store, from 1 on. */
    private final int[] numbers;

    /** By the number in the store less 1: the place in the request. */
    private final int[] places;

    /** The drafts are free of cycles. */
    TaskBatch(TenantId tenant, UUID base, List<TaskDraft> drafts) {
        this.tenant = tenant;
        this.base = base;
        this.drafts = drafts;
        this.places = order(drafts);
        this.numbers = new int[places.length];
        for (var n = 0; n < places.length; n++) {
            numbers[places[n]] = n + 1;
        }
    }

    /** As they come, where that will do; else those first that wait for nothing here. */
    private static int[] order(List<TaskDraft> drafts) {
        var places = new int[drafts.size()];
        Arrays.setAll(places, n -> n);
        return isOrdered(drafts) ? places : sorted(drafts, places);
    }

    private static boolean isOrdered(List<TaskDraft> drafts) {
        for (var n = 0; n < drafts.size(); n++) {
            for (var dependency : drafts.get(n).dependencies()) {
                if (dependency instanceof Together(var number) && number > n) {
                    return false;
                }
            }
        }
        return true;
    }

    private static int[] sorted(List<TaskDraft> drafts, int[] places) {
        var unmet = new int[drafts.size()];
        var dependents = new ArrayList<List<Integer>>(drafts.size());
        drafts.forEach(_ -> dependents.add(new ArrayList<>(0)));
        var free = new ArrayDeque<Integer>();
        for (var n = 0; n < unmet.length; n++) {
            for (var dependency : drafts.get(n).dependencies()) {
                if (dependency instanceof Together(var number)) {
                    unmet[n]++;
                    dependents.get(number - 1).add(n);
                }
            }
            if (unmet[n] == 0) {
                free.add(n);
            }
        }
        var count = 0;
        while (!free.isEmpty()) {
            var next = free.remove();
            places[count++] = next;
            for (var dependent : dependents.get(next)) {
                if (--unmet[dependent] == 0) {
                    free.add(dependent);
                }
            }
        }
        if (count < places.length) {
            throw new IllegalArgumentException("the tasks wait for one another in a circle");
        }
        return places;
    }

    TenantId tenant() {
        return tenant;
    }

    /** The ids that they get, in the order of the store. */
    List<TaskInstanceId> ids() {
        var ids = new ArrayList<TaskInstanceId>(places.length);
        for (var number = 1; number <= places.length; number++) {
            ids.add(TaskInstanceId.single(base, number));
        }
        return ids;
    }

    /** The place in the request, from 0 on, of what has this number in the store. */
    int placeInRequest(int number) {
        return places[number - 1];
    }

    Optional<UniqueKey> uniqueKeyOf(int index) {
        return drafts.get(places[index]).uniqueKey();
    }

    /** What is in the order of the store, in that of the request. */
    <T> List<T> inOrderOfRequest(List<T> inStore) {
        var inRequest = new ArrayList<T>(inStore.size());
        for (var number : numbers) {
            inRequest.add(inStore.get(number - 1));
        }
        return inRequest;
    }

    TaskSubmission submission(Optional<RequestKey> key, Optional<TraceContext> trace, Optional<ChangeRequest> change) {
        var tasks = new ArrayList<NewTask>(places.length);
        // Many of a batch are alike.
        var definitions = new HashMap<TaskDefinition, Json>();
        for (var place : places) {
            tasks.add(task(drafts.get(place), definitions));
        }
        return new TaskSubmission(tenant, base, tasks, key.map(TaskQueue::storeKey), trace, change);
    }

    private NewTask task(TaskDraft draft, Map<TaskDefinition, Json> definitions) {
        return new NewTask(
                draft.name(),
                definitions.computeIfAbsent(definition(draft), DagJson::writeSingle),
                draft.input(),
                queue(draft),
                draft.priority(),
                draft.deadline(),
                draft.estimate(),
                draft.source(),
                draft.createdBy(),
                draft.parent().map(this::id),
                draft.sessionId(),
                draft.dependencies().stream()
                        .map(this::id)
                        .map(NewTask.Prerequisite::new)
                        .toList(),
                draft.dependencyType(),
                draft.tags(),
                draft.notBefore(),
                draft.uniqueKey(),
                draft.concurrencyKey(),
                draft.timeout(),
                draft.waitsForChildren());
    }

    private static TaskDefinition definition(TaskDraft draft) {
        return new TaskDefinition(
                ANY,
                draft.name(),
                draft.type(),
                draft.timeout(),
                draft.retry(),
                Set.of(),
                draft.priority(),
                draft.queue().orElse(TaskDefinition.DEFAULT_QUEUE));
    }

    private String queue(TaskDraft draft) {
        return draft.type() instanceof RemoteWork work
                ? RemoteWork.queue(tenant, work.handler())
                : draft.queue().orElse(TaskDefinition.DEFAULT_QUEUE);
    }

    private TaskInstanceId id(Reference reference) {
        return switch (reference) {
            case Existing(var id) -> id;
            case Together(var number) -> TaskInstanceId.single(base, numbers[number - 1]);
        };
    }

    /** A task as it is now that it was made. */
    SingleTask shown(TaskDraft draft, CreatedTask created, Instant at) {
        return new SingleTask(
                created.id(),
                draft.name(),
                draft.type().wireName(),
                isRemote(draft.type())
                        ? Optional.empty()
                        : Optional.of(draft.queue().orElse(TaskDefinition.DEFAULT_QUEUE)),
                draft.priority(),
                created.priority(),
                draft.deadline(),
                draft.estimate(),
                created.depth(),
                draft.source(),
                draft.createdBy(),
                draft.parent().map(this::id),
                draft.sessionId(),
                draft.dependencies().stream().map(this::id).toList(),
                draft.dependencyType(),
                draft.retry().maxAttempts() - 1,
                draft.timeout(),
                draft.tags(),
                draft.uniqueKey().map(UniqueKey::value),
                draft.notBefore(),
                draft.concurrencyKey(),
                created.state(),
                Optional.empty(),
                0,
                at,
                Optional.empty(),
                Optional.empty(),
                at);
    }

    private static boolean isRemote(TaskType type) {
        return type instanceof RemoteWork;
    }
}
