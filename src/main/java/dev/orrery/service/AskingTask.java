package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.dag.TaskDraft.Reference.Existing;
import dev.orrery.domain.task.UniqueKey;
import dev.orrery.domain.task.UniqueKey.OnConflict;
import dev.orrery.store.TaskAccessRepository;
import io.vertx.core.Future;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A running task that asks by its own token: what it submits is below it, and what it asks about has to be. */
public final class AskingTask {

    private static final String WHAT_IT_OPENS =
            ". It may submit tasks (POST /tasks, /tasks/batch), which become its children; read itself; and list, read, explain,"
                    + " cancel and retry what is below it";

    private final TaskInstanceId task;
    private final Tenant tenant;
    private final TaskAccessRepository repository;

    AskingTask(TaskInstanceId task, Tenant tenant, TaskAccessRepository repository) {
        this.task = requireNonNull(task, "task");
        this.tenant = requireNonNull(tenant, "tenant");
        this.repository = requireNonNull(repository, "repository");
    }

    public TaskInstanceId task() {
        return task;
    }

    public Tenant tenant() {
        return tenant;
    }

    /** Fails with {@code OUT_OF_SCOPE} unless all of these are below it. */
    public Future<Void> requireBelow(Collection<TaskInstanceId> tasks) {
        if (tasks.isEmpty()) {
            return Future.succeededFuture();
        }
        return repository.stranger(tenant.id(), task, tasks).map(stranger -> {
            stranger.ifPresent(id -> {
                throw refused("task " + id + " is not below it");
            });
            return null;
        });
    }

    /**
     * What it submits, as its children: at first or second hand, waiting for nothing but tasks below it. Fails with {@code
     * OUT_OF_SCOPE} where one of them is to have another parent, or could come by a key to what others have.
     */
    public Future<List<TaskDraft>> children(List<TaskDraft> drafts) {
        var below = drafts.stream().map(this::child).toList();
        return requireBelow(prerequisites(below)).map(below);
    }

    private TaskDraft child(TaskDraft draft) {
        if (draft.parent().orElse(null) instanceof Existing(var other) && !other.equals(task)) {
            throw refused("what it submits is its own child, not that of task " + other
                    + "; leave 'parentTaskId' out, or name a task of the same batch");
        }
        if (draft.uniqueKey().map(UniqueKey::onConflict).orElse(OnConflict.REFUSE) != OnConflict.REFUSE) {
            throw refused("the task that has a 'uniqueKey' may be another's: add \"onConflict\": \"refuse\", or use an"
                    + " Idempotency-Key, which is the task's own and stays so from one attempt to the next");
        }
        return draft.below(task);
    }

    private static Set<TaskInstanceId> prerequisites(List<TaskDraft> drafts) {
        var ids = new HashSet<TaskInstanceId>();
        for (var draft : drafts) {
            for (var dependency : draft.dependencies()) {
                if (dependency instanceof Existing(var id)) {
                    ids.add(id);
                }
            }
        }
        return ids;
    }

    /** That its token does not open this, and what it does open. */
    public OrreryException refused(String why) {
        return refused(task, why);
    }

    /** The same, of any task. */
    public static OrreryException refused(TaskInstanceId task, String why) {
        return new OrreryException(
                ErrorCode.OUT_OF_SCOPE, "the token of task " + task + " does not open this: " + why + WHAT_IT_OPENS);
    }
}
