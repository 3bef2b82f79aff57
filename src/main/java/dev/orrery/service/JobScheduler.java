package dev.orrery.service;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.JobsChanged;
import dev.orrery.bus.BusMessage.WorkReady;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.JobId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.event.NewEvent;
import dev.orrery.domain.job.ExecutionStatus;
import dev.orrery.domain.job.FireTime;
import dev.orrery.domain.job.JobStatus;
import dev.orrery.domain.job.JobType;
import dev.orrery.domain.job.ScheduledJob;
import dev.orrery.service.EventService.PublishedEvent;
import dev.orrery.service.JobInput.OneTimeJobInput;
import dev.orrery.service.JobInput.RecurringJobInput;
import dev.orrery.service.JobInput.ScheduledJobInput;
import dev.orrery.store.EventHandlerRepository.StoredHandler;
import dev.orrery.store.ExecutionRepository;
import dev.orrery.store.ExecutionRepository.Stats;
import dev.orrery.store.ExecutionRepository.StoredExecution;
import dev.orrery.store.IdempotencyRepository;
import dev.orrery.store.JobListRepository;
import dev.orrery.store.NewRun;
import dev.orrery.store.ScheduledJobRepository;
import dev.orrery.store.ScheduledJobRepository.NewJob;
import dev.orrery.store.ScheduledJobRepository.StoredJob;
import dev.orrery.store.SchedulerMetricsRepository;
import dev.orrery.store.SchedulerMetricsRepository.SchedulerMetrics;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Jobs: registering them, changing and looking at them, and at what they did. A change is one store transaction; the leader
 * fires what is due, see {@link JobFiring}.
 */
public final class JobScheduler {

    private static final System.Logger LOG = System.getLogger(JobScheduler.class.getName());

    /** So many running executions of a cancelled job are told to end at once; what is more is asked for again. */
    private static final int CANCELLED_AT_ONCE = 1_000;

    private static final int TRIES = 5;

    private final Vertx vertx;
    private final Repositories repositories;
    private final JobDags dags;
    private final RunService runs;
    private final EventService events;
    private final Supplier<UUID> ids;
    private final Bus bus;

    /** What it reads and writes through. */
    public record Repositories(
            ScheduledJobRepository jobs,
            JobListRepository lists,
            ExecutionRepository executions,
            SchedulerMetricsRepository metrics,
            IdempotencyRepository keys) {

        private Repositories by(ChangeRequest request) {
            return new Repositories(jobs.by(request), lists, executions.by(request), metrics, keys);
        }
    }

    /** What it does parts of its work by. */
    public record Services(JobDags dags, RunService runs, EventService events) {

        private Services by(ChangeRequest request) {
            return new Services(dags, runs.by(request), events.by(request));
        }
    }

    /** {@code ids}: new ids in the order of time. */
    public JobScheduler(Vertx vertx, Repositories repositories, Services services, Supplier<UUID> ids, Bus bus) {
        this.vertx = vertx;
        this.repositories = repositories;
        this.dags = services.dags();
        this.runs = services.runs();
        this.events = services.events();
        this.ids = ids;
        this.bus = bus;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public JobScheduler by(ChangeRequest request) {
        var services = new Services(dags, runs, events).by(request);
        return new JobScheduler(vertx, repositories.by(request), services, ids, bus);
    }

    /**
     * Registers a job that fires by a cron text. Fails with every problem of it at once, or {@code HANDLER_NOT_FOUND}.
     *
     * @param trace what its executions belong to; each begins a trace of its own where there is none
     */
    public Future<StoredJob> schedule(
            TenantId tenant, ScheduledJobInput input, Optional<RequestKey> key, Optional<TraceContext> trace) {
        return register(tenant, input, key, trace);
    }

    /** Registers a job that fires once. */
    public Future<StoredJob> scheduleOnce(
            TenantId tenant, OneTimeJobInput input, Optional<RequestKey> key, Optional<TraceContext> trace) {
        return register(tenant, input, key, trace);
    }

    /** Registers a job that fires until its end, or so many times. */
    public Future<StoredJob> scheduleRecurring(
            TenantId tenant, RecurringJobInput input, Optional<RequestKey> key, Optional<TraceContext> trace) {
        return register(tenant, input, key, trace);
    }

    private Future<StoredJob> register(
            TenantId tenant, JobInput input, Optional<RequestKey> key, Optional<TraceContext> trace) {
        var id = new JobId(ids.get());
        var job = input.job();
        var made = new NewJob(job, JobDags.passesPayload(job.work()), trace);
        var storeKey = key.map(JobScheduler::storeKey);
        return check(id, job)
                .compose(_ -> dags.with(
                        tenant, job.work(), dag -> repositories.jobs().create(tenant, id, dag, made, storeKey)))
                .compose(registered -> changed(tenant, registered))
                .recover(refused -> storeKey.map(known -> registered(tenant, known, made))
                        .orElseGet(() -> Future.succeededFuture(Optional.empty()))
                        .compose(earlier ->
                                earlier.map(Future::succeededFuture).orElseGet(() -> Future.failedFuture(refused))));
    }

    /**
     * What the same request registered before. Time may have passed since, its DAG or itself may be gone: it is told as it is
     * now, or where it was deleted as it was registered, and that it fires no more.
     */
    private Future<Optional<StoredJob>> registered(TenantId tenant, NewRun.Key key, NewJob made) {
        return repositories
                .keys()
                .find(tenant, key)
                .compose(found -> found.map(earlier -> repositories
                                .jobs()
                                .get(tenant, new JobId(earlier.reference()))
                                .map(stored -> stored.or(() -> Optional.of(
                                        StoredJob.deleted(new JobId(earlier.reference()), made, earlier.at())))))
                        .orElseGet(() -> Future.succeededFuture(Optional.empty())));
    }

    /** Registers a handler that fires for events. */
    public Future<StoredHandler> onEvent(TenantId tenant, EventHandlerInput input, Optional<RequestKey> key) {
        return events.onEvent(tenant, input, key);
    }

    /** Publishes events, all of them or none, and fires their handlers. */
    public Future<List<PublishedEvent>> triggerEvent(
            TenantId tenant, List<NewEvent> published, Optional<RequestKey> key) {
        return events.publish(tenant, published, key);
    }

    /** The leader is told; nobody waits for it. */
    private Future<StoredJob> changed(TenantId tenant, JobId id) {
        bus.publish(Addresses.JOBS_CHANGED, new JobsChanged());
        return getJob(tenant, id);
    }

    private Future<Void> check(JobId id, ScheduledJob job) {
        return repositories
                .jobs()
                .now()
                .compose(now -> vertx.executeBlocking(() -> JobTimes.problems(id, job, now), false))
                .compose(problems -> problems.isEmpty()
                        ? Future.succeededFuture()
                        : Future.failedFuture(new OrreryException(
                                ErrorCode.VALIDATION_ERROR,
                                "the job is not valid: " + problems.getFirst().message(),
                                problems)));
    }

    /**
     * Changes a job: what it fires from now on, and when, which is planned anew. {@code change} makes the new job of the
     * present one. Fails with {@code CONFLICT} for a DAG's own job, and for one that was cancelled.
     */
    public Future<StoredJob> reschedule(TenantId tenant, JobId id, Function<StoredJob, JobInput> change) {
        return reschedule(tenant, id, change, 1);
    }

    private Future<StoredJob> reschedule(TenantId tenant, JobId id, Function<StoredJob, JobInput> change, int attempt) {
        return ownJob(tenant, id).compose(stored -> {
            if (stored.status() == JobStatus.CANCELLED) {
                return Future.failedFuture(conflict("job " + id + " was cancelled; register a new one"));
            }
            if (stored.job().type() == JobType.EVENT) {
                return Future.failedFuture(conflict(
                        "job " + id + " is an event handler; change it with PATCH /api/v1/event-handlers/" + id));
            }
            var job = change.apply(stored).job();
            var passesPayload = JobDags.passesPayload(job.work());
            return check(id, job)
                    .compose(_ -> dags.of(tenant, job.work()))
                    .compose(dag -> repositories.jobs().update(tenant, id, dag, job, passesPayload, stored.updatedAt()))
                    .compose(isChanged -> isChanged ? changed(tenant, id) : again(tenant, id, change, attempt));
        });
    }

    /** Somebody else changed it meanwhile: the change is made of what it is now. */
    private Future<StoredJob> again(TenantId tenant, JobId id, Function<StoredJob, JobInput> change, int attempt) {
        return attempt < TRIES
                ? reschedule(tenant, id, change, attempt + 1)
                : Future.failedFuture(conflict("job " + id + " is being changed by others; try again"));
    }

    /** Deletes a job with its executions; those that run go on to their end. */
    public Future<Void> unschedule(TenantId tenant, JobId id) {
        return ownJob(tenant, id)
                .compose(_ -> repositories.jobs().delete(tenant, id))
                .compose(gone -> gone ? Future.succeededFuture() : Future.failedFuture(noJob(id)));
    }

    public Future<StoredJob> getJob(TenantId tenant, JobId id) {
        return repositories.jobs().get(tenant, id).map(found -> found.orElseThrow(() -> noJob(id)));
    }

    /** Newest first, those behind the position. */
    public Future<List<StoredJob>> listJobs(
            TenantId tenant, JobListRepository.Filter filter, Optional<JobListRepository.Position> behind, int limit) {
        return repositories.lists().list(tenant, filter, behind, limit);
    }

    /** In the order of their names, those behind this one. */
    public Future<List<StoredJob>> listJobsByName(
            TenantId tenant, JobListRepository.Filter filter, Optional<JobListRepository.Named> behind, int limit) {
        return repositories.lists().listByName(tenant, filter, behind, limit);
    }

    /** Those that fire by themselves, the next first, behind this one. */
    public Future<List<StoredJob>> listJobsByNextRun(
            TenantId tenant, JobListRepository.Filter filter, Optional<JobListRepository.Due> behind, int limit) {
        return repositories.lists().listByNextRun(tenant, filter, behind, limit);
    }

    /** It fires nothing by itself until it is resumed. Repeating it changes nothing. */
    public Future<StoredJob> pauseJob(TenantId tenant, JobId id) {
        return repositories
                .jobs()
                .pause(tenant, id)
                .map(status -> requireAlive(id, status))
                .compose(_ -> getJob(tenant, id));
    }

    /** What it missed meanwhile is up to its misfire policy. */
    public Future<StoredJob> resumeJob(TenantId tenant, JobId id) {
        return repositories
                .jobs()
                .resume(tenant, id)
                .map(status -> requireAlive(id, status))
                .compose(_ -> changed(tenant, id));
    }

    private static JobStatus requireAlive(JobId id, Optional<JobStatus> status) {
        var known = status.orElseThrow(() -> noJob(id));
        if (known.isTerminal()) {
            throw conflict("job " + id + " is " + known.wireName() + " and fires no more");
        }
        return known;
    }

    /** It never fires again; {@code running}: its executions that have not ended are cancelled too. */
    public Future<StoredJob> cancelJob(TenantId tenant, JobId id, boolean running) {
        return ownJob(tenant, id)
                .compose(_ -> repositories.jobs().cancel(tenant, id))
                .compose(_ -> running ? cancelRunning(tenant, id) : Future.succeededFuture())
                .compose(_ -> getJob(tenant, id));
    }

    private Future<Void> cancelRunning(TenantId tenant, JobId id) {
        return repositories
                .jobs()
                .openExecutions(tenant, id, CANCELLED_AT_ONCE)
                .compose(open -> Future.all(
                                open.stream().map(run -> cancel(tenant, run)).toList())
                        .mapEmpty());
    }

    private Future<Void> cancel(TenantId tenant, UUID run) {
        return runs.cancel(tenant, new RunId(run), Optional.empty()).recover(error -> {
            // It may be gone meanwhile; all others are cancelled nevertheless.
            LOG.log(WARNING, "event=cancel_failed run=" + run, error);
            return Future.succeededFuture();
        });
    }

    /**
     * Fires a job now, beside its schedule and also while it is paused. Answers the execution.
     *
     * @param trace what the execution belongs to, instead of what the job was given
     */
    public Future<StoredExecution> trigger(
            TenantId tenant, JobId id, Optional<RequestKey> key, Optional<TraceContext> trace) {
        return getJob(tenant, id)
                .compose(_ -> repositories
                        .executions()
                        .trigger(tenant, id, new RunId(ids.get()), key.map(JobScheduler::storeKey), trace))
                .compose(made -> {
                    bus.publish(Addresses.WORK_READY, new WorkReady(Set.of()));
                    return getExecution(tenant, made.value());
                });
    }

    /** When the job fires next, as far as that is known now; nothing for one that does not fire by itself. */
    public Future<List<FireTime>> next(TenantId tenant, JobId id, int count) {
        return getJob(tenant, id)
                .compose(stored -> stored.status().isTerminal() || stored.job().type() == JobType.EVENT
                        ? Future.succeededFuture(List.of())
                        : repositories
                                .jobs()
                                .now()
                                .compose(now -> vertx.executeBlocking(() -> preview(stored, now, count), false)));
    }

    private static List<FireTime> preview(StoredJob stored, Instant now, int count) {
        var timing = stored.job().timing();
        var schedule = JobTimes.schedule(stored.id(), timing, stored.createdAt());
        var remaining = JobTimes.bounds(timing).remaining(stored.fires()).orElse(count);
        // What the leader has planned may be due a moment ago.
        var after = stored.nextRun().map(next -> next.minusNanos(1_000)).orElse(now);
        var shown = (int) Math.min(count, remaining);
        return shown == 0 ? List.of() : FireTime.preview(schedule, JobTimes.zone(timing), after, shown);
    }

    /** The job's executions and what was left out, newest first, behind the position. */
    public Future<List<StoredExecution>> getJobHistory(
            TenantId tenant,
            JobId id,
            ExecutionRepository.Filter filter,
            Optional<ExecutionRepository.Position> behind,
            int limit) {
        return getJob(tenant, id).compose(_ -> repositories.executions().ofJob(tenant, id, filter, behind, limit));
    }

    /** Executions of all jobs, newest first, behind the position. */
    public Future<List<StoredExecution>> listExecutions(
            TenantId tenant,
            ExecutionRepository.Filter filter,
            Optional<ExecutionRepository.Position> behind,
            int limit) {
        return repositories.executions().list(tenant, filter, behind, limit);
    }

    public Future<StoredExecution> getExecution(TenantId tenant, UUID id) {
        return repositories.executions().get(tenant, id).map(found -> found.orElseThrow(() -> noExecution(id)));
    }

    /** What an execution said, from a place in its logs on. */
    public Future<RunService.LogPart> getExecutionLogs(TenantId tenant, UUID id, LogQuery query, LogPlace from) {
        return getExecution(tenant, id).compose(_ -> runs.entries(tenant, new RunId(id), query, from));
    }

    /** The trace of the failure of an execution's last attempt, if its handler told one. */
    public Future<Optional<String>> errorStack(StoredExecution execution) {
        return execution.error().isEmpty() || execution.attempts() == 0
                ? Future.succeededFuture(Optional.empty())
                : runs.lastTrace(new RunId(execution.id()), 1, execution.attempts());
    }

    /** One more attempt at an execution that ended badly. */
    public Future<StoredExecution> retryExecution(TenantId tenant, UUID id, Optional<RequestKey> key) {
        return repositories
                .executions()
                .retry(tenant, id, key.map(JobScheduler::storeKey))
                .compose(queue -> {
                    queue.ifPresent(name -> bus.publish(Addresses.WORK_READY, new WorkReady(Set.of(name))));
                    return getExecution(tenant, id);
                });
    }

    /** What the job did in the window that ends now. */
    public Future<Stats> getJobStats(TenantId tenant, JobId id, Duration window) {
        return getJob(tenant, id).compose(_ -> repositories.executions().stats(tenant, id, window));
    }

    /** How many jobs there are, and how the scheduler does in the window that ends now. */
    public Future<SchedulerMetrics> getMetrics(TenantId tenant, Duration window) {
        return repositories.metrics().metrics(tenant, window);
    }

    /** Whether jobs, of whoever they are, fire when they are due. */
    public Future<HealthStatus> healthCheck() {
        return repositories.metrics().lateness().map(lateness -> new HealthStatus(lateness.isLed(), lateness.late()));
    }

    /** The newest executions of the window that failed or timed out for good. */
    public Future<List<StoredExecution>> lastFailures(TenantId tenant, JobId id, Duration window, int limit) {
        return repositories
                .jobs()
                .now()
                .compose(now -> Future.all(
                        bad(tenant, id, ExecutionStatus.FAILED, now.minus(window), limit),
                        bad(tenant, id, ExecutionStatus.TIMEOUT, now.minus(window), limit)))
                .map(both -> both.<List<StoredExecution>>list().stream()
                        .flatMap(List::stream)
                        .sorted(Comparator.comparing(StoredExecution::scheduledAt)
                                .reversed())
                        .limit(limit)
                        .toList());
    }

    private Future<List<StoredExecution>> bad(
            TenantId tenant, JobId id, ExecutionStatus status, Instant from, int limit) {
        var filter = new ExecutionRepository.Filter(
                Optional.of(status),
                ExecutionRepository.By.SCHEDULED_AT,
                Optional.of(from),
                Optional.empty(),
                Optional.empty());
        return repositories.executions().ofJob(tenant, id, filter, Optional.empty(), limit);
    }

    private Future<StoredJob> ownJob(TenantId tenant, JobId id) {
        return getJob(tenant, id)
                .compose(stored -> stored.isOfDag()
                        ? Future.failedFuture(conflict("job " + id + " is the schedule of the DAG '"
                                + stored.job().name() + "'; change 'schedule:' in its file"))
                        : Future.succeededFuture(stored));
    }

    private static NewRun.Key storeKey(RequestKey key) {
        return new NewRun.Key(key.operation(), key.key(), key.requestHash());
    }

    private static OrreryException conflict(String message) {
        return new OrreryException(ErrorCode.CONFLICT, message);
    }

    private static OrreryException noJob(JobId id) {
        return new OrreryException(ErrorCode.JOB_NOT_FOUND, "there is no job " + id);
    }

    private static OrreryException noExecution(UUID id) {
        return new OrreryException(ErrorCode.EXECUTION_NOT_FOUND, "there is no execution " + id);
    }
}
