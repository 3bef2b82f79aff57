package dev.orrery.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.JobId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.Problem;
import dev.orrery.domain.ProblemCode;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.Times;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.job.ExecutionStatus;
import dev.orrery.domain.job.JobStatus;
import dev.orrery.domain.job.JobType;
import dev.orrery.domain.task.LogLevel;
import dev.orrery.service.CursorPage;
import dev.orrery.service.JobInput.OneTimeJobInput;
import dev.orrery.service.JobInput.RecurringJobInput;
import dev.orrery.service.JobInput.ScheduledJobInput;
import dev.orrery.service.JobScheduler;
import dev.orrery.service.LogPlace;
import dev.orrery.service.LogQuery;
import dev.orrery.service.remote.RemoteWorkers;
import dev.orrery.store.ExecutionRepository;
import dev.orrery.store.ExecutionRepository.StoredExecution;
import dev.orrery.store.JobListRepository;
import dev.orrery.store.ScheduledJobRepository.StoredJob;
import io.vertx.core.Future;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.function.Function;

/** The operations tagged {@code Jobs}. */
final class JobOperations {

    private static final int FAILURES_SHOWN = 5;

    private final JobScheduler jobs;
    private final RemoteWorkers remote;

    JobOperations(JobScheduler jobs, RemoteWorkers remote) {
        this.jobs = jobs;
        this.remote = remote;
    }

    Map<String, Operation> byId() {
        var all = new HashMap<String, Operation>();
        all.put("createJob", this::create);
        all.put("listJobs", this::list);
        all.put(
                "getJob",
                request -> jobs.getJob(request.tenant(), jobId(request)).map(job -> answer(200, request, job)));
        all.put("updateJob", this::update);
        all.put(
                "deleteJob",
                request -> jobs.by(request.change())
                        .unschedule(request.tenant(), jobId(request))
                        .map(_ -> Answer.empty(204)));
        all.put(
                "pauseJob",
                request -> jobs.by(request.change())
                        .pauseJob(request.tenant(), jobId(request))
                        .map(job -> answer(200, request, job)));
        all.put(
                "resumeJob",
                request -> jobs.by(request.change())
                        .resumeJob(request.tenant(), jobId(request))
                        .map(job -> answer(200, request, job)));
        all.put("cancelJob", this::cancel);
        all.put("triggerJob", this::trigger);
        all.put("listNextFires", this::next);
        all.put("listJobExecutions", this::history);
        all.put("getJobStats", this::stats);
        all.put("listExecutions", this::executions);
        all.put("getExecution", this::execution);
        all.put("listExecutionLogs", this::logs);
        all.put("retryExecution", this::retry);
        all.put("getSchedulerMetrics", this::metrics);
        return all;
    }

    private Future<Answer> create(ApiRequest request) {
        var made = switch (JobBody.read(request.body())) {
            case ScheduledJobInput cron ->
                jobs.by(request.change()).schedule(request.tenant(), cron, request.key(), request.trace());
            case OneTimeJobInput once ->
                jobs.by(request.change()).scheduleOnce(request.tenant(), once, request.key(), request.trace());
            case RecurringJobInput recurring ->
                jobs.by(request.change())
                        .scheduleRecurring(request.tenant(), recurring, request.key(), request.trace());
        };
        return made.map(job -> answer(201, request, job).with("Location", Contract.BASE_PATH + "/jobs/" + job.id()));
    }

    private Future<Answer> list(ApiRequest request) {
        var filter = new JobListRepository.Filter(
                request.optionalText("status").map(JobStatus::ofWireName),
                request.optionalText("type").map(JobType::ofWireName),
                request.optionalText("tag"),
                request.optionalText("handler"),
                request.optionalText("text"));
        JsonShapes.Shape<StoredJob> shape = (out, job) -> JobShapes.job(out, request.caller(), job);
        return switch (request.text("sort")) {
            case "name" -> {
                var behind = named(request);
                yield page(
                        request,
                        limit -> jobs.listJobsByName(request.tenant(), filter, behind, limit),
                        job -> cursor(job.job().name(), job.id().value()),
                        shape);
            }
            case "nextRun" -> {
                var behind = position(request, JobListRepository.Due::new);
                yield page(
                        request,
                        limit -> jobs.listJobsByNextRun(request.tenant(), filter, behind, limit),
                        job -> cursor(job.nextRun().orElseThrow(), job.id().value()),
                        shape);
            }
            default -> {
                var behind = position(request, JobListRepository.Position::new);
                yield page(
                        request,
                        limit -> jobs.listJobs(request.tenant(), filter, behind, limit),
                        job -> cursor(job.createdAt(), job.id().value()),
                        shape);
            }
        };
    }

    private static String cursor(String name, UUID id) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(name.getBytes(UTF_8)) + ":" + id;
    }

    private static Optional<JobListRepository.Named> named(ApiRequest request) {
        return request.optionalText("cursor").map(cursor -> {
            var parts = cursor.split(":", -1);
            try {
                if (parts.length == 2) {
                    var name = new String(Base64.getUrlDecoder().decode(parts[0]), UTF_8);
                    if (JsonBody.isStorable(name)) {
                        return new JobListRepository.Named(name, UUID.fromString(parts[1]));
                    }
                }
            } catch (IllegalArgumentException _) {
                // Told below.
            }
            throw badCursor();
        });
    }

    private Future<Answer> update(ApiRequest request) {
        return jobs.by(request.change())
                .reschedule(request.tenant(), jobId(request), job -> JobBody.change(job.job(), request.body()))
                .map(job -> answer(200, request, job));
    }

    private Future<Answer> cancel(ApiRequest request) {
        return jobs.by(request.change())
                .cancelJob(
                        request.tenant(),
                        jobId(request),
                        request.text("running").equals("cancel"))
                .map(job -> answer(200, request, job));
    }

    private Future<Answer> trigger(ApiRequest request) {
        return jobs.by(request.change())
                .trigger(request.tenant(), jobId(request), request.key(), request.trace())
                .onSuccess(execution -> request.span()
                        .ifPresent(span -> span.submitted(
                                new RunId(execution.id()),
                                execution.trace(),
                                execution.createdAt(),
                                false,
                                Map.of("orrery.job.id", execution.job().toString()))))
                .map(execution ->
                        answer(202, execution).with("Location", Contract.BASE_PATH + "/executions/" + execution.id()));
    }

    private Future<Answer> next(ApiRequest request) {
        return jobs.next(request.tenant(), jobId(request), Math.toIntExact(request.number("count")))
                .map(times -> Answer.json(200, out -> JsonShapes.array(out, times, JobShapes::fireTime)));
    }

    private Future<Answer> history(ApiRequest request) {
        var id = jobId(request);
        var behind = position(request, ExecutionRepository.Position::new);
        var filter = executionFilter(request);
        if (isOfSkipped(filter) && filter.by() != ExecutionRepository.By.SCHEDULED_AT) {
            throw wrongQuery("by", ProblemCode.INVALID_VALUE, "what was left out never began; list it by=scheduledAt");
        }
        return page(
                request,
                limit -> jobs.getJobHistory(request.tenant(), id, filter, behind, limit),
                execution -> cursor(filter.by().of(execution), execution.id()),
                JobShapes::execution);
    }

    private Future<Answer> executions(ApiRequest request) {
        var behind = position(request, ExecutionRepository.Position::new);
        var filter = executionFilter(request);
        if (isOfSkipped(filter)) {
            throw wrongQuery(
                    "status",
                    ProblemCode.INVALID_VALUE,
                    "what was left out is told by its job: GET /api/v1/jobs/{jobId}/executions?status=skipped");
        }
        return page(
                request,
                limit -> jobs.listExecutions(request.tenant(), filter, behind, limit),
                execution -> cursor(filter.by().of(execution), execution.id()),
                JobShapes::execution);
    }

    private static boolean isOfSkipped(ExecutionRepository.Filter filter) {
        return filter.status().equals(Optional.of(ExecutionStatus.SKIPPED));
    }

    private Future<Answer> execution(ApiRequest request) {
        return jobs.getExecution(request.tenant(), executionId(request))
                .compose(execution -> jobs.errorStack(execution)
                        .compose(stack -> waitingFor(request.tenant(), execution)
                                .map(why -> Answer.json(
                                        200,
                                        out -> JobShapes.execution(out, execution, new JobShapes.Asked(stack, why))))));
    }

    /** The execution of a remote worker is a run of one task. */
    private Future<Optional<String>> waitingFor(TenantId tenant, StoredExecution execution) {
        return execution.status() == ExecutionStatus.PENDING
                ? remote.waitingFor(tenant, TaskInstanceId.of(new RunId(execution.id()), 1))
                : Future.succeededFuture(Optional.empty());
    }

    private Future<Answer> logs(ApiRequest request) {
        var id = executionId(request);
        var query = new LogQuery(
                request.optionalText("level").map(LogLevel::ofWireName),
                time(request, "from"),
                time(request, "to"),
                request.optionalNumber("attempt"),
                Math.toIntExact(request.number("limit")));
        return jobs.getExecutionLogs(request.tenant(), id, query, place(request))
                .map(part -> new CursorPage<>(part.entries(), part.next().map(JobOperations::cursor)))
                .map(page -> Answer.json(
                        200,
                        out -> JsonShapes.cursorPage(out, page, (item, entry) -> JobShapes.entry(item, id, entry))));
    }

    private static String cursor(LogPlace place) {
        return place.task() + ":" + place.attempt() + ":" + place.offset();
    }

    private static LogPlace place(ApiRequest request) {
        return request.optionalText("cursor")
                .map(cursor -> {
                    var parts = cursor.split(":", -1);
                    try {
                        if (parts.length == 3) {
                            return new LogPlace(
                                    Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Long.parseLong(parts[2]));
                        }
                    } catch (IllegalArgumentException _) {
                        // Told below.
                    }
                    throw badCursor();
                })
                .orElse(LogPlace.START);
    }

    private Future<Answer> retry(ApiRequest request) {
        return jobs.by(request.change())
                .retryExecution(request.tenant(), executionId(request), request.key())
                .map(execution -> answer(200, execution));
    }

    private Future<Answer> stats(ApiRequest request) {
        var id = jobId(request);
        var hours = Math.toIntExact(request.number("windowHours"));
        var window = Duration.ofHours(hours);
        return jobs.getJobStats(request.tenant(), id, window)
                .compose(stats -> jobs.lastFailures(request.tenant(), id, window, FAILURES_SHOWN)
                        .map(failures -> Answer.json(200, out -> JobShapes.stats(out, hours, stats, failures))));
    }

    private Future<Answer> metrics(ApiRequest request) {
        var minutes = Math.toIntExact(request.number("windowMinutes"));
        return jobs.getMetrics(request.tenant(), Duration.ofMinutes(minutes))
                .map(metrics -> Answer.json(200, out -> JobShapes.metrics(out, minutes, metrics)));
    }

    private static ExecutionRepository.Filter executionFilter(ApiRequest request) {
        return new ExecutionRepository.Filter(
                request.optionalText("status").map(ExecutionStatus::ofWireName),
                ExecutionRepository.By.ofWireName(request.text("by")),
                time(request, "from"),
                time(request, "to"),
                request.optionalText("traceId").map(TraceContext::parseTraceId));
    }

    static Optional<Instant> time(ApiRequest request, String parameter) {
        return request.optionalText(parameter)
                .map(text -> Times.parse(text)
                        .orElseThrow(() -> wrongQuery(
                                parameter, ProblemCode.INVALID_VALUE, "this is no time such as 2026-01-31T08:00:00Z")));
    }

    static <T> Future<Answer> page(
            ApiRequest request,
            Function<Integer, Future<List<T>>> read,
            Function<T, String> cursor,
            JsonShapes.Shape<T> shape) {
        var limit = Math.toIntExact(request.number("limit"));
        return read.apply(limit + 1).map(found -> {
            var items = found.size() > limit ? found.subList(0, limit) : found;
            var next = found.size() > limit ? Optional.of(cursor.apply(items.getLast())) : Optional.<String>empty();
            var page = new CursorPage<>(items, next);
            return Answer.json(200, out -> JsonShapes.cursorPage(out, page, shape));
        });
    }

    static String cursor(Instant time, UUID id) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, time) + ":" + id;
    }

    static <P> Optional<P> position(ApiRequest request, BiFunction<Instant, UUID, P> position) {
        return request.optionalText("cursor").map(cursor -> {
            var parts = cursor.split(":", -1);
            try {
                if (parts.length == 2) {
                    return position.apply(
                            Instant.EPOCH.plus(Long.parseLong(parts[0]), ChronoUnit.MICROS), UUID.fromString(parts[1]));
                }
            } catch (IllegalArgumentException | DateTimeException | ArithmeticException _) {
                // Told below.
            }
            throw badCursor();
        });
    }

    static OrreryException badCursor() {
        return wrongQuery("cursor", ProblemCode.BAD_CURSOR, "this is not a nextCursor of this list");
    }

    private static OrreryException wrongQuery(String parameter, ProblemCode code, String message) {
        return new OrreryException(
                ErrorCode.BAD_REQUEST,
                "the query parameter '" + parameter + "' is wrong",
                List.of(Problem.at("query." + parameter, code, message)));
    }

    private static JobId jobId(ApiRequest request) {
        return JobId.parse(request.text("jobId"));
    }

    private static UUID executionId(ApiRequest request) {
        return RunId.parse(request.text("executionId")).value();
    }

    private static Answer answer(int status, ApiRequest request, StoredJob job) {
        return Answer.json(status, out -> JobShapes.job(out, request.caller(), job));
    }

    private static Answer answer(int status, StoredExecution execution) {
        return Answer.json(status, out -> JobShapes.execution(out, execution));
    }
}
