package dev.orrery.service;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.CancelsAsked;
import dev.orrery.bus.BusMessage.HistoryGrew;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.task.TaskState;
import dev.orrery.store.Batcher;
import dev.orrery.store.DagRunRepository;
import dev.orrery.store.DagRunRepository.StoredRun;
import dev.orrery.store.LogRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.TaskInstanceRepository;
import dev.orrery.store.TaskInstanceRepository.StoredAttempt;
import dev.orrery.store.TaskInstanceRepository.StoredInstance;
import dev.orrery.store.WorkRepository;
import io.vertx.core.Future;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/** Runs: starting, looking, cancelling, deleting. A change is one store transaction, then a signal. */
public final class RunService {

    private final Repositories repositories;
    private final Batcher<NewRun, NewRun.Result> creations;
    private final IntFunction<Future<PublishedDag>> versions;
    private final Supplier<UUID> ids;
    private final Bus bus;
    private final RunLogs entries;
    private final Optional<ChangeRequest> change;

    /** What it reads and writes through. */
    public record Repositories(
            WorkRepository work, DagRunRepository runs, TaskInstanceRepository tasks, LogRepository logs) {

        private Repositories by(ChangeRequest request) {
            return new Repositories(work.by(request), runs.by(request), tasks, logs);
        }
    }

    /**
     * @param creations collects runs that are created at the same time into one transaction
     * @param versions finds a DAG version by its row
     * @param ids new ids in the order of time
     */
    public RunService(
            Repositories repositories,
            Batcher<NewRun, NewRun.Result> creations,
            IntFunction<Future<PublishedDag>> versions,
            Supplier<UUID> ids,
            Bus bus) {
        this.repositories = repositories;
        this.creations = creations;
        this.versions = versions;
        this.ids = ids;
        this.bus = bus;
        this.entries = new RunLogs(repositories.logs());
        this.change = Optional.empty();
    }

    private RunService(RunService shared, ChangeRequest request) {
        this.repositories = shared.repositories.by(request);
        this.creations = shared.creations;
        this.versions = shared.versions;
        this.ids = shared.ids;
        this.bus = shared.bus;
        this.entries = shared.entries;
        this.change = Optional.of(request);
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public RunService by(ChangeRequest request) {
        return new RunService(this, request);
    }

    /**
     * Starts a run of the DAG's current version; answers when it is committed, before it is executed.
     *
     * @param trace what the run belongs to; it begins a trace of its own where there is none
     */
    public Future<RunSummary> trigger(
            TenantId tenant,
            DagId dag,
            Json params,
            Trigger by,
            Optional<RequestKey> key,
            Optional<TraceContext> trace) {
        var run = new NewRun(
                new RunId(ids.get()),
                tenant,
                dag,
                by,
                Optional.of(params).filter(given -> !given.equals(Json.EMPTY_OBJECT)),
                Optional.empty(),
                key.map(RunService::storeKey),
                trace,
                change);
        return creations.add(run).compose(result -> switch (result) {
            case NewRun.Result.Created created -> {
                // Which queues is not told back: routers look at those they serve.
                bus.publish(Addresses.WORK_READY, new WorkReady(Set.of()));
                yield Future.succeededFuture(new RunSummary(
                        created.id(),
                        dag,
                        created.dagName(),
                        created.dagVersion(),
                        RunState.PENDING,
                        by,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        created.createdAt(),
                        trace));
            }
            case NewRun.Result.Repeated(var id) -> stored(tenant, id).map(RunService::summary);
            case NewRun.Result.KeyTaken() ->
                Future.failedFuture(
                        new OrreryException(ErrorCode.CONFLICT, "this Idempotency-Key was used for another request"));
            case NewRun.Result.NoSuchDag() ->
                Future.failedFuture(new OrreryException(ErrorCode.DAG_NOT_FOUND, "there is no DAG " + dag));
        });
    }

    private static NewRun.Key storeKey(RequestKey key) {
        return new NewRun.Key(key.operation(), key.key(), key.requestHash());
    }

    /** The newest first. A DAG that does not exist has no runs to list: DAG_NOT_FOUND is the caller's to tell. */
    public Future<List<RunSummary>> list(TenantId tenant, DagRunRepository.Filter filter, Page page) {
        return repositories
                .runs()
                .list(tenant, filter, page.limit(), page.offset())
                .map(runs -> runs.stream().map(RunService::summary).toList());
    }

    /** A run with all its tasks. */
    public Future<RunStatus> get(TenantId tenant, RunId id) {
        return stored(tenant, id)
                .compose(run -> Future.all(repositories.tasks().getByRunId(tenant, id), versions.apply(run.versionId()))
                        .map(both -> status(run, both.resultAt(0), both.resultAt(1))));
    }

    private static RunStatus status(StoredRun run, List<StoredInstance> instances, PublishedDag dag) {
        Map<TaskId, TaskState> states = HashMap.newHashMap(instances.size());
        instances.forEach(stored ->
                states.put(stored.instance().taskId(), stored.instance().state()));
        var tasks = instances.stream().map(stored -> task(stored, dag, states)).toList();
        return new RunStatus(summary(run), run.run().params(), tasks);
    }

    /** A task with its attempts and its output. */
    public Future<TaskDetail> task(TenantId tenant, RunId run, TaskId task) {
        return find(tenant, run, task).compose(found -> {
            var definition = found.dag().definition().task(found.id().taskNumber());
            Map<TaskId, TaskState> states = new HashMap<>();
            return Future.all(
                            repositories.tasks().get(tenant, found.id()),
                            repositories.tasks().attempts(found.id()),
                            dependencyStates(tenant, run, found, states))
                    .map(all -> {
                        Optional<StoredInstance> stored = all.resultAt(0);
                        List<StoredAttempt> attempts = all.resultAt(1);
                        var instance = stored.orElseThrow(() -> noTask(run, task));
                        return new TaskDetail(
                                task(instance, found.dag(), states),
                                definition.type().wireName(),
                                definition.queue(),
                                definition.priority(),
                                List.copyOf(definition.dependencies()),
                                instance.instance().output(),
                                instance.nextAttemptAt(),
                                attempts.stream().map(RunService::attempt).toList());
                    });
        });
    }

    private record FoundTask(TaskInstanceId id, PublishedDag dag) {}

    private Future<FoundTask> find(TenantId tenant, RunId run, TaskId task) {
        return stored(tenant, run)
                .compose(stored -> versions.apply(stored.versionId()))
                .map(dag -> {
                    var tasks = dag.definition().tasks();
                    for (var n = 0; n < tasks.size(); n++) {
                        if (tasks.get(n).id().equals(task)) {
                            return new FoundTask(TaskInstanceId.of(run, n + 1), dag);
                        }
                    }
                    throw noTask(run, task);
                });
    }

    private Future<Void> dependencyStates(TenantId tenant, RunId run, FoundTask found, Map<TaskId, TaskState> states) {
        var upstreams = found.dag().graph().upstreams(found.id().taskNumber() - 1);
        var reads = java.util.Arrays.stream(upstreams)
                .mapToObj(number -> repositories
                        .tasks()
                        .get(tenant, TaskInstanceId.of(run, number + 1))
                        .onSuccess(stored -> stored.ifPresent(upstream -> states.put(
                                upstream.instance().taskId(),
                                upstream.instance().state()))))
                .limit(MAX_EXPLAINED)
                .toList();
        return Future.all(reads).mapEmpty();
    }

    private static final int MAX_EXPLAINED = 50;

    /**
     * A piece of an attempt's log, of the newest attempt unless one is named. Whether the attempt is over is read before
     * the text, so that what is told as the end is the end.
     */
    public Future<LogSlice> log(TenantId tenant, RunId run, TaskId task, OptionalInt attempt, long offset, int limit) {
        return find(tenant, run, task)
                .compose(found -> repositories
                        .tasks()
                        .get(tenant, found.id())
                        .map(stored ->
                                stored.orElseThrow(() -> noTask(run, task)).instance())
                        .compose(instance -> {
                            var number = attempt.orElse(instance.attempt());
                            if (number > instance.attempt() || number < 0) {
                                return Future.failedFuture(new OrreryException(
                                        ErrorCode.BAD_REQUEST,
                                        "task " + task + " has had " + instance.attempt() + " attempts, not "
                                                + number));
                            }
                            var over = number < instance.attempt() || isOver(instance.state(), number);
                            return repositories
                                    .logs()
                                    .read(found.id(), number, offset, limit)
                                    .map(piece ->
                                            new LogSlice(number, offset, piece.content(), over && piece.isLast()));
                        }));
    }

    /** Entries of logs; {@code next} is where a reader goes on, absent once there is and will be nothing more. */
    public record LogPart(List<LoggedEntry> entries, Optional<LogPlace> next) {}

    /**
     * What the tasks of a run said, of the first task first and each attempt after the other. Whether the run has ended is
     * read before, so that what is told as the end is the end.
     */
    public Future<LogPart> entries(TenantId tenant, RunId id, LogQuery query, LogPlace from) {
        return stored(tenant, id)
                .compose(run -> versions.apply(run.versionId())
                        .compose(dag -> entries.read(id, dag.definition(), query, from))
                        .map(part -> {
                            var isEnd = part.isAll() && run.run().state().isTerminal();
                            return new LogPart(part.entries(), isEnd ? Optional.empty() : Optional.of(part.next()));
                        }));
    }

    /** The trace of the failure that the log of an attempt at a task ends with, if it does. */
    Future<Optional<String>> lastTrace(RunId run, int taskNumber, int attempt) {
        return entries.lastTrace(TaskInstanceId.of(run, taskNumber), attempt);
    }

    /** Whether nothing can be added to the log of the newest attempt: of attempt 0 only once no attempt can follow. */
    static boolean isOver(TaskState state, int attempt) {
        return state.isTerminal() || (attempt > 0 && state != TaskState.RUNNING);
    }

    /** Asks a run to end. What has not started ends at once; what runs is told to. Repeating it changes nothing. */
    public Future<Void> cancel(TenantId tenant, RunId id, Optional<RequestKey> key) {
        return cancelWork(tenant, id, Optional.empty(), key)
                .map(done -> done.orElseThrow(() -> noRun(id)))
                .mapEmpty();
    }

    /** Asks one task to end; what depends on it is skipped. */
    public Future<Void> cancelTask(TenantId tenant, RunId id, TaskId task, Optional<RequestKey> key) {
        return find(tenant, id, task)
                .compose(_ -> cancelWork(tenant, id, Optional.of(task), key))
                .map(done -> done.orElseThrow(() -> noTask(id, task)))
                .mapEmpty();
    }

    private Future<Optional<WorkRepository.Cancelled>> cancelWork(
            TenantId tenant, RunId id, Optional<TaskId> task, Optional<RequestKey> key) {
        var work = repositories.work();
        return key.map(given -> work.cancelOnce(tenant, id, task, storeKey(given)))
                .orElseGet(() -> work.cancel(tenant, id, task))
                .onSuccess(done -> done.ifPresent(cancelled -> {
                    bus.publish(Addresses.HISTORY_GREW, new HistoryGrew());
                    if (!cancelled.nodes().isEmpty()) {
                        bus.publish(Addresses.CANCELS_ASKED, new CancelsAsked());
                    }
                    if (!cancelled.readyQueues().isEmpty()) {
                        bus.publish(Addresses.WORK_READY, new WorkReady(new HashSet<>(cancelled.readyQueues())));
                    }
                }));
    }

    /** Deletes a run that has ended, with all that belongs to it. */
    public Future<Void> delete(TenantId tenant, RunId id) {
        return stored(tenant, id)
                .compose(_ -> repositories.runs().delete(tenant, id))
                .compose(deletion -> switch (deletion) {
                    case DELETED -> Future.succeededFuture();
                    case ACTIVE ->
                        Future.failedFuture(new OrreryException(
                                ErrorCode.CONFLICT, "run " + id + " has not ended; cancel it first"));
                    case NONE -> Future.failedFuture(noRun(id));
                });
    }

    private Future<StoredRun> stored(TenantId tenant, RunId id) {
        return repositories.runs().get(tenant, id).map(run -> run.orElseThrow(() -> noRun(id)));
    }

    private static OrreryException noRun(RunId id) {
        return new OrreryException(ErrorCode.RUN_NOT_FOUND, "there is no run " + id);
    }

    private static OrreryException noTask(RunId run, TaskId task) {
        return new OrreryException(ErrorCode.TASK_NOT_FOUND, "run " + run + " has no task " + task);
    }

    private static RunSummary summary(StoredRun stored) {
        var run = stored.run();
        return new RunSummary(
                run.id(),
                run.dagId(),
                stored.dagName(),
                run.dagVersion(),
                run.state(),
                run.triggeredBy(),
                run.logicalTime(),
                run.startedAt(),
                run.completedAt(),
                run.createdAt(),
                stored.trace());
    }

    private static TaskStatus task(StoredInstance stored, PublishedDag dag, Map<TaskId, TaskState> states) {
        var task = stored.instance();
        var error = task.state() == TaskState.SKIPPED ? whySkipped(task.id(), dag, states) : task.error();
        return new TaskStatus(
                task.id(),
                task.taskId(),
                task.taskName(),
                task.state(),
                task.attempt(),
                task.workerId(),
                error,
                stored.progress(),
                task.startedAt(),
                task.completedAt());
    }

    /** Not stored, since it follows from the states of its dependencies. */
    private static Optional<String> whySkipped(TaskInstanceId id, PublishedDag dag, Map<TaskId, TaskState> states) {
        for (var number : dag.graph().upstreams(id.taskNumber() - 1)) {
            var upstream = dag.definition().tasks().get(number).id();
            var state = states.get(upstream);
            if (state != null && state.isTerminal() && state != TaskState.SUCCEEDED) {
                return Optional.of("skipped: its dependency '" + upstream + "' " + verb(state));
            }
        }
        return Optional.of("skipped: a dependency did not succeed");
    }

    private static String verb(TaskState state) {
        return switch (state) {
            case TIMED_OUT -> "timed out";
            case SKIPPED, CANCELLED -> "was " + state.wireName();
            default -> state.wireName();
        };
    }

    static AttemptStatus attempt(StoredAttempt attempt) {
        return new AttemptStatus(
                attempt.attempt(),
                attempt.outcome(),
                attempt.fence(),
                attempt.workerId(),
                attempt.error(),
                attempt.startedAt(),
                attempt.completedAt());
    }
}
