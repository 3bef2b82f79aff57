package dev.orrery.service;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.dag.TaskDraft;
import dev.orrery.domain.task.SingleTask;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.domain.task.UniqueKey;
import dev.orrery.store.Batcher;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.SubmissionResult;
import dev.orrery.store.TaskCountsRepository;
import dev.orrery.store.TaskCountsRepository.Stats;
import dev.orrery.store.TaskDependencyRepository;
import dev.orrery.store.TaskDependencyRepository.Dependency;
import dev.orrery.store.TaskFactsRepository;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.TaskInstanceRepository.StoredAttempt;
import dev.orrery.store.TaskQueueRepository;
import dev.orrery.store.TaskQueueRepository.Filter;
import dev.orrery.store.TaskQueueRepository.Found;
import dev.orrery.store.TaskQueueRepository.Part;
import dev.orrery.store.TaskQueueRepository.Place;
import dev.orrery.store.TaskQueueRepository.StoredTask;
import dev.orrery.store.TaskQueueRepository.Tree;
import dev.orrery.store.TaskSubmission;
import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Single tasks: submitting and looking. A submission is one store transaction, then a signal. */
public final class TaskQueue {

    private static final int RELATED_SHOWN = 100;
    private static final int EDGES_SHOWN = 500;
    private static final long STATS_MILLIS = 2_000;
    private static final int STATS_KEPT = 1_000;

    private final Repositories repositories;
    private final Batcher<TaskSubmission, SubmissionResult> submissions;
    private final Supplier<UUID> ids;
    private final LongSupplier millis;
    private final int maxDependencies;
    private final Map<TenantId, KnownStats> stats;
    private final Optional<ChangeRequest> change;

    private record KnownStats(long since, Future<Stats> numbers) {}

    /** What it reads through. */
    public record Repositories(
            TaskQueueRepository tasks,
            TaskDependencyRepository dependencies,
            TaskCountsRepository counts,
            TaskFactsRepository facts,
            TaskInstanceRepository instances,
            LogRepository logs) {}

    /**
     * @param submissions collects what is submitted at the same time into one transaction
     * @param ids new ids in the order of time
     * @param millis a clock
     * @param maxDependencies how many others a task may wait for
     */
    public TaskQueue(
            Repositories repositories,
            Batcher<TaskSubmission, SubmissionResult> submissions,
            Supplier<UUID> ids,
            LongSupplier millis,
            int maxDependencies) {
        this.repositories = repositories;
        this.submissions = submissions;
        this.ids = ids;
        this.millis = millis;
        this.maxDependencies = maxDependencies;
        this.stats = new ConcurrentHashMap<>();
        this.change = Optional.empty();
    }

    private TaskQueue(TaskQueue shared, ChangeRequest request) {
        this.repositories = shared.repositories;
        this.submissions = shared.submissions;
        this.ids = shared.ids;
        this.millis = shared.millis;
        this.maxDependencies = shared.maxDependencies;
        this.stats = shared.stats;
        this.change = Optional.of(request);
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public TaskQueue by(ChangeRequest request) {
        return new TaskQueue(this, request);
    }

    /** How many others a task may wait for. */
    public int maxDependencies() {
        return maxDependencies;
    }

    /** A task that was submitted; not new where one that has its unique key stands in for it. */
    public record Submitted(SingleTask task, boolean isNew) {}

    /** A task of a batch that was submitted. */
    public record SubmittedOfBatch(TaskInstanceId id, boolean isNew, SubmittedState state) {}

    /** Submits a task; answers when it is stored, before it is done. */
    public Future<Submitted> submit(
            TenantId tenant, TaskDraft draft, Optional<RequestKey> key, Optional<TraceContext> trace) {
        var batch = new TaskBatch(tenant, ids.get(), List.of(draft));
        return submissions.add(batch.submission(key, trace, change)).compose(result -> switch (result) {
            case SubmissionResult.Created created -> {
                var task = created.tasks().getFirst();
                // What was cancelled at once has a reason, which stands with it.
                yield task.isNew() && !task.state().isTerminal()
                        ? Future.succeededFuture(new Submitted(batch.shown(draft, task, created.at()), true))
                        : get(tenant, task.id()).map(found -> new Submitted(found, task.isNew()));
            }
            case SubmissionResult.Repeated(var base) -> {
                var again = new TaskBatch(tenant, base, List.of(draft));
                yield again(again)
                        .compose(found -> get(tenant, found.getFirst().id())
                                .map(task ->
                                        new Submitted(task, found.getFirst().isNew())));
            }
            case SubmissionResult.KeyTaken() -> Future.failedFuture(keyTaken());
            case SubmissionResult.Refused refused ->
                Future.failedFuture(new OrreryException(refused.code(), refused.message()));
        });
    }

    /** Submits tasks, all of them or none; the answer is in their order. */
    public Future<List<SubmittedOfBatch>> submitBatch(
            TenantId tenant, List<TaskDraft> drafts, Optional<RequestKey> key, Optional<TraceContext> trace) {
        var batch = new TaskBatch(tenant, ids.get(), drafts);
        return submissions.add(batch.submission(key, trace, change)).compose(result -> switch (result) {
            case SubmissionResult.Created created ->
                Future.succeededFuture(batch.inOrderOfRequest(created.tasks().stream()
                        .map(task -> new SubmittedOfBatch(task.id(), task.isNew(), task.state()))
                        .toList()));
            case SubmissionResult.Repeated(var base) -> again(new TaskBatch(tenant, base, drafts));
            case SubmissionResult.KeyTaken() -> Future.failedFuture(keyTaken());
            case SubmissionResult.Refused refused -> Future.failedFuture(refusal(batch, refused));
        });
    }

    private static OrreryException refusal(TaskBatch batch, SubmissionResult.Refused refused) {
        var path = "tasks[" + batch.placeInRequest(refused.task()) + "]";
        return new OrreryException(
                refused.code(),
                path + ": " + refused.message(),
                List.of(new Problem(
                        refused.code().name(),
                        0,
                        0,
                        path,
                        refused.message(),
                        Optional.of(refused.code().cure()))));
    }

    private static OrreryException keyTaken() {
        return new OrreryException(ErrorCode.CONFLICT, "this Idempotency-Key was used for another request");
    }

    /** What the same request made when it came first, in its order. */
    private Future<List<SubmittedOfBatch>> again(TaskBatch batch) {
        return repositories.tasks().find(batch.tenant(), batch.ids()).compose(found -> {
            Map<TaskInstanceId, SubmittedState> states = HashMap.newHashMap(found.size());
            found.forEach(task -> states.put(task.id(), task.state()));
            var all = Future.<List<SubmittedOfBatch>>succeededFuture(new ArrayList<>());
            for (var n = 0; n < batch.ids().size(); n++) {
                var id = batch.ids().get(n);
                var key = batch.uniqueKeyOf(n);
                var state = states.get(id);
                all = all.compose(list -> (state == null
                                ? standIn(batch.tenant(), key)
                                : Future.succeededFuture(new SubmittedOfBatch(id, true, state)))
                        .map(task -> {
                            list.add(task);
                            return list;
                        }));
            }
            return all.map(batch::inOrderOfRequest);
        });
    }

    /** Another task stood in for one that was not made; it may have ended since. */
    private Future<SubmittedOfBatch> standIn(TenantId tenant, Optional<UniqueKey> key) {
        return key.map(unique -> repositories.tasks().findByUniqueKey(tenant, unique.value()))
                .orElseGet(() -> Future.succeededFuture(Optional.empty()))
                .compose(id -> id.isEmpty()
                        ? Future.<List<Found>>succeededFuture(List.of())
                        : repositories.tasks().find(tenant, List.of(id.get())))
                .map(found -> found.stream()
                        .findFirst()
                        .map(task -> new SubmittedOfBatch(task.id(), false, task.state()))
                        .orElseThrow(() -> new OrreryException(
                                ErrorCode.CONFLICT,
                                "this request came before, and the task that it was answered with is gone; send it under another"
                                        + " Idempotency-Key")));
    }

    /**
     * A task with everything that is known of it.
     *
     * @param blockedBy what it still waits for, the first hundred
     * @param blocks what still waits for it, a hundred of these
     */
    public record Detail(
            StoredTask stored,
            List<Dependency> blockedBy,
            List<Dependency> blocks,
            TaskDependencyRepository.Counts counts,
            List<AttemptStatus> attempts) {}

    public Future<SingleTask> get(TenantId tenant, TaskInstanceId id) {
        return stored(tenant, id).map(StoredTask::task);
    }

    public Future<Detail> detail(TenantId tenant, TaskInstanceId id) {
        return stored(tenant, id)
                .compose(stored -> Future.all(
                                repositories.dependencies().getTaskDependencies(id, true, RELATED_SHOWN),
                                repositories.dependencies().dependents(id, true, RELATED_SHOWN),
                                repositories.dependencies().count(id),
                                repositories.instances().attempts(id))
                        .map(all -> {
                            List<StoredAttempt> attempts = all.resultAt(3);
                            return new Detail(
                                    stored,
                                    all.resultAt(0),
                                    all.resultAt(1),
                                    all.resultAt(2),
                                    attempts.stream().map(RunService::attempt).toList());
                        }));
    }

    /** The newest first, or the earliest deadline; a part may be shorter than asked for and still not be the last. */
    public Future<Part> list(TenantId tenant, Filter filter, Optional<Place> behind, int limit) {
        return repositories.tasks().list(tenant, filter, behind, limit);
    }

    /**
     * What a task waits or waited for, and what waits or waited for it, at most 500 each.
     *
     * @param dependentsCount how many of the latter there are, at most 10,000
     */
    public record Dependencies(List<Dependency> prerequisites, List<Dependency> dependents, int dependentsCount) {}

    /** Why a task is not running, and where it stands. */
    public Future<TaskExplanation> explain(TenantId tenant, TaskInstanceId id) {
        return repositories
                .facts()
                .explain(tenant, id)
                .map(found -> found.map(known -> TaskExplanation.of(
                                id, new JsonObject(known.facts().text()), known.now()))
                        .orElseThrow(() -> noTask(id)));
    }

    public Future<Dependencies> dependencies(TenantId tenant, TaskInstanceId id) {
        return stored(tenant, id)
                .compose(_ -> Future.all(
                                repositories.dependencies().getTaskDependencies(id, false, EDGES_SHOWN),
                                repositories.dependencies().dependents(id, false, EDGES_SHOWN),
                                repositories.dependencies().count(id))
                        .map(all -> new Dependencies(
                                all.resultAt(0),
                                all.resultAt(1),
                                all.<TaskDependencyRepository.Counts>resultAt(2).dependents())));
    }

    /** A task with its children, and theirs, so many levels down and at most so many tasks. */
    public Future<Tree> tree(TenantId tenant, TaskInstanceId id, int levels, int limit) {
        return repositories.tasks().tree(tenant, id, levels, limit).map(tree -> tree.orElseThrow(() -> noTask(id)));
    }

    /** How many of the tasks that were submitted together with this one stand how, itself among them. */
    public Future<Map<SubmittedState, Integer>> submittedWith(TenantId tenant, TaskInstanceId id) {
        return repositories.counts().submittedWith(tenant, id).map(counts -> {
            if (counts.isEmpty()) {
                throw noTask(id);
            }
            return counts;
        });
    }

    /** The numbers of a tenant, which may be two seconds old. */
    public Future<Stats> stats(TenantId tenant) {
        var now = millis.getAsLong();
        var known = stats.get(tenant);
        if (known != null
                && now - known.since() < STATS_MILLIS
                && !known.numbers().failed()) {
            return known.numbers();
        }
        if (stats.size() >= STATS_KEPT) {
            stats.clear();
        }
        var numbers = repositories.counts().stats(tenant);
        stats.put(tenant, new KnownStats(now, numbers));
        return numbers;
    }

    /** A piece of an attempt's log, of the newest attempt unless one is named. */
    public Future<LogSlice> log(TenantId tenant, TaskInstanceId id, OptionalInt attempt, long offset, int limit) {
        return stored(tenant, id).compose(task -> {
            var number = attempt.orElse(task.attempt());
            if (number > task.attempt()) {
                return Future.failedFuture(new OrreryException(
                        ErrorCode.BAD_REQUEST,
                        "task " + id + " has had " + task.attempt() + " attempts, not " + number));
            }
            var over = number < task.attempt() || RunService.isOver(task.state(), number);
            return repositories
                    .logs()
                    .read(id, number, offset, limit)
                    .map(piece -> new LogSlice(number, offset, piece.content(), over && piece.isLast()));
        });
    }

    private Future<StoredTask> stored(TenantId tenant, TaskInstanceId id) {
        return repositories.tasks().get(tenant, id).map(task -> task.orElseThrow(() -> noTask(id)));
    }

    private static OrreryException noTask(TaskInstanceId id) {
        return new OrreryException(ErrorCode.TASK_NOT_FOUND, "there is no task " + requireNonNull(id));
    }

    static NewRun.Key storeKey(RequestKey key) {
        return new NewRun.Key(key.operation(), key.key(), key.requestHash());
    }
}
