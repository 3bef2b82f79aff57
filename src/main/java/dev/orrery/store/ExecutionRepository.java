package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.dag.Trigger;
import dev.orrery.domain.job.ExecutionStatus;
import dev.orrery.domain.task.TaskState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What jobs did: their executions, each of which is a run, and the due times that were left out. */
public final class ExecutionRepository {

    // language=PostgreSQL
    static final String STATS = """
            SELECT count(*) AS executions,
                   count(*) FILTER (WHERE e.outcome = 'success') AS successes,
                   count(*) FILTER (WHERE e.outcome = 'failed') AS failures,
                   count(*) FILTER (WHERE e.outcome = 'timeout') AS timeouts,
                   count(*) FILTER (WHERE e.outcome = 'cancelled') AS cancellations,
                   count(*) FILTER (WHERE e.outcome IS NULL) AS open,
                   (avg(extract(epoch FROM e.ended_at - e.started_at)) * 1000)::float8 AS average_ms,
                   percentile_cont(ARRAY[0.5, 0.95, 0.99])
                       WITHIN GROUP (ORDER BY extract(epoch FROM e.ended_at - e.started_at)::float8 * 1000) AS percentiles,
                   (SELECT count(*) FROM job_skips s
                    WHERE s.job_id = $2 AND s.first_at >= statement_timestamp() - $3 * interval '1 millisecond') AS skips
            FROM job_executions e
            WHERE e.tenant_id = $1 AND e.job_id = $2
              AND e.scheduled_at >= statement_timestamp() - $3::bigint * interval '1 millisecond'
            """;

    // language=PostgreSQL
    static final String RETRY = "SELECT verdict, queue FROM retry_execution($1, $2)";

    // language=PostgreSQL
    static final String TRIGGER = "SELECT trigger_job($1, $2, $3, clock_timestamp(), $4) AS verdict";

    // language=PostgreSQL
    static final String NOTE_ENDED = "SELECT n.job, n.id, n.released FROM require_epoch($4), note_ended($1, $2, $3) n";

    private static final UUID NIL = new UUID(0, 0);

    private final Sql sql;

    public ExecutionRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private ExecutionRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public ExecutionRepository by(ChangeRequest request) {
        return new ExecutionRepository(sql.by(request));
    }

    /**
     * One firing of a job, or due times that did not fire.
     *
     * @param id also that of its run
     * @param event what made it, where an event did
     * @param attempts how many were made; 0 where it is a whole DAG
     * @param output what its task had to say; only where one execution was asked for
     * @param trace the one it was given
     * @param progress how far its last attempt has come, in percent, if it said so
     * @param metadata that of its job
     */
    public record StoredExecution(
            UUID id,
            JobId job,
            ExecutionStatus status,
            Trigger cause,
            Optional<EventId> event,
            Instant scheduledAt,
            Optional<Instant> startedAt,
            Optional<Instant> completedAt,
            int attempts,
            int maxRetries,
            Optional<Instant> nextRetryAt,
            Optional<WorkerId> worker,
            Optional<String> error,
            Optional<Json> output,
            Optional<Skipped> skipped,
            Instant createdAt,
            Optional<TraceContext> trace,
            OptionalInt progress,
            Optional<Json> metadata) {}

    /** Due times that did not fire: the last of them, how many (unknown where there are very many), and why. */
    public record Skipped(Instant until, OptionalInt fires, String reason) {}

    /** Which time of executions a list goes by. One that has begun has its time of beginning within a second. */
    public enum By {
        SCHEDULED_AT("scheduledAt", ExecutionLists.BY_DUE_TIME),
        STARTED_AT("startedAt", ExecutionLists.BY_START),
        CREATED_AT("createdAt", ExecutionLists.BY_CREATION);

        private final String wireName;
        private final ExecutionLists lists;

        By(String wireName, ExecutionLists lists) {
            this.wireName = wireName;
            this.lists = lists;
        }

        public static By ofWireName(String name) {
            return Stream.of(values())
                    .filter(by -> by.wireName.equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("executions have no time '" + name + "'"));
        }

        /** That time of an execution which was listed by it. */
        public Instant of(StoredExecution execution) {
            return switch (this) {
                case SCHEDULED_AT -> execution.scheduledAt();
                case STARTED_AT -> execution.startedAt().orElseThrow();
                case CREATED_AT -> execution.createdAt();
            };
        }
    }

    /** Which executions are wanted, and by which of their times, {@code to} excluded. */
    public record Filter(
            Optional<ExecutionStatus> status,
            By by,
            Optional<Instant> from,
            Optional<Instant> to,
            Optional<UUID> trace) {}

    /** A place in lists, which are newest first by the time that was asked for. */
    public record Position(Instant at, UUID id) {}

    public Future<Optional<StoredExecution>> get(TenantId tenant, UUID id) {
        return sql.run(ExecutionLists.GET, Tuple.of(tenant.value(), id))
                .map(rows -> Rows.first(rows, ExecutionRepository::whole));
    }

    /** Of one job and all traces, newest first, those behind the position; by due times with what was left out. */
    public Future<List<StoredExecution>> ofJob(
            TenantId tenant, JobId job, Filter filter, Optional<Position> behind, int limit) {
        var parameters = Tuple.of(tenant.value(), job.value())
                .addValue(time(filter.from()))
                .addValue(time(filter.to()))
                .addValue(time(behind.map(Position::at)))
                .addValue(behind.map(Position::id).orElse(null))
                .addValue(outcome(filter))
                .addValue(openState(filter))
                .addValue(filter.status().equals(Optional.of(ExecutionStatus.SKIPPED)))
                .addValue(limit);
        var lists = filter.by().lists;
        return sql.run(isBad(filter) ? lists.badOfJob() : lists.ofJob(), parameters)
                .map(rows -> Rows.list(rows, ExecutionRepository::listed));
    }

    /** Of all jobs, newest first, those behind the position; never what was left out. */
    public Future<List<StoredExecution>> list(TenantId tenant, Filter filter, Optional<Position> behind, int limit) {
        var parameters = Tuple.of(tenant.value())
                .addValue(time(filter.from()))
                .addValue(time(filter.to()))
                .addValue(time(behind.map(Position::at)))
                .addValue(behind.map(Position::id).orElse(null))
                .addValue(outcome(filter))
                .addValue(openState(filter))
                .addValue(limit);
        filter.trace().ifPresent(parameters::addValue);
        var lists = filter.by().lists;
        var usual = isBad(filter) ? lists.bad() : lists.all();
        return sql.run(filter.trace().isPresent() ? lists.ofTrace() : usual, parameters)
                .map(rows -> Rows.list(rows, ExecutionRepository::listed));
    }

    private static @Nullable String outcome(Filter filter) {
        return filter.status()
                .filter(ExecutionRepository::hasEnded)
                .map(ExecutionStatus::wireName)
                .orElse(null);
    }

    private static @Nullable String openState(Filter filter) {
        return filter.status()
                .filter(status -> !hasEnded(status) && status != ExecutionStatus.SKIPPED)
                .map(ExecutionStatus::wireName)
                .orElse(null);
    }

    private static boolean isBad(Filter filter) {
        return filter.status()
                .filter(status -> hasEnded(status) && status != ExecutionStatus.SUCCESS)
                .isPresent();
    }

    private static boolean hasEnded(ExecutionStatus status) {
        return switch (status) {
            case SUCCESS, FAILED, TIMEOUT, CANCELLED -> true;
            case PENDING, RUNNING, SKIPPED -> false;
        };
    }

    private static @Nullable OffsetDateTime time(Optional<Instant> time) {
        return time.map(instant -> instant.atOffset(ZoneOffset.UTC)).orElse(null);
    }

    /**
     * What a job did in a window of time.
     *
     * @param open executions that are not known to have ended
     * @param percentiles the 50th, 95th and 99th of the durations in milliseconds; empty where none ended
     * @param skips rows of due times that did not fire
     */
    public record Stats(
            long executions,
            long successes,
            long failures,
            long timeouts,
            long cancellations,
            long open,
            long skips,
            Optional<Double> averageMillis,
            List<Double> percentiles) {}

    public Future<Stats> stats(TenantId tenant, JobId job, Duration window) {
        return sql.run(STATS, Tuple.of(tenant.value(), job.value(), window.toMillis()))
                .map(rows -> {
                    var row = rows.iterator().next();
                    var percentiles = row.getArrayOfDoubles("percentiles");
                    return new Stats(
                            row.getLong("executions"),
                            row.getLong("successes"),
                            row.getLong("failures"),
                            row.getLong("timeouts"),
                            row.getLong("cancellations"),
                            row.getLong("open"),
                            row.getLong("skips"),
                            Optional.ofNullable(row.getDouble("average_ms")),
                            percentiles == null || percentiles[0] == null ? List.of() : List.of(percentiles));
                });
    }

    /**
     * Makes the task of an execution that ended badly ready again, its retries counted anew, and answers in which queue; under a
     * key that did so before, changes nothing. Fails with {@code EXECUTION_NOT_FOUND}, or {@code CONFLICT} where it did not end
     * badly, is a whole DAG, or the key came with another request.
     */
    public Future<Optional<String>> retry(TenantId tenant, UUID id, Optional<NewRun.Key> key) {
        return sql.change(
                Resource.of(Kind.RUN, tenant, id),
                transaction -> IdempotencyRepository.once(
                        transaction,
                        tenant,
                        key,
                        id,
                        () -> transaction
                                .preparedQuery(RETRY)
                                .execute(Tuple.of(tenant.value(), id))
                                .compose(rows -> retried(id, rows.iterator().next())),
                        _ -> Future.succeededFuture(Optional.empty())));
    }

    private static Future<Optional<String>> retried(UUID id, Row row) {
        return switch (row.getString("verdict")) {
            case "ready" -> Future.succeededFuture(Optional.of(row.getString("queue")));
            case "not_failed" -> failed(ErrorCode.CONFLICT, "execution " + id + " has not failed");
            case "not_single" ->
                failed(ErrorCode.CONFLICT, "execution " + id + " is a run of a DAG; fire the job again instead");
            default -> failed(ErrorCode.EXECUTION_NOT_FOUND, "there is no execution " + id);
        };
    }

    /**
     * Fires a job now, and answers the execution; under a key that fired it before, that one. Fails with {@code JOB_NOT_FOUND}
     * where it or what it fires is gone, with {@code CONFLICT} where the key came with another request.
     */
    public Future<RunId> trigger(
            TenantId tenant, JobId job, RunId id, Optional<NewRun.Key> key, Optional<TraceContext> trace) {
        return sql.change(
                Resource.of(Kind.RUN, tenant, id),
                transaction -> IdempotencyRepository.once(
                        transaction,
                        tenant,
                        key,
                        id.value(),
                        () -> transaction
                                .preparedQuery(TRIGGER)
                                .execute(Tuple.of(
                                        tenant.value(),
                                        job.value(),
                                        id.value(),
                                        trace.map(TraceContext::traceparent).orElse(null)))
                                .compose(rows -> rows.iterator()
                                                .next()
                                                .getString("verdict")
                                                .equals("fired")
                                        ? Future.succeededFuture(id)
                                        : failed(ErrorCode.JOB_NOT_FOUND, "there is no job " + job)),
                        made -> Future.succeededFuture(new RunId(made))));
    }

    private static <T> Future<T> failed(ErrorCode code, String message) {
        return Future.failedFuture(new OrreryException(code, message));
    }

    /** Where {@link #noteEnded} goes on; {@link #START} is the beginning. */
    public record Mark(UUID job, UUID id) {

        public static final Mark START = new Mark(NIL, NIL);
    }

    /** {@code released}: how many due times wait no longer; {@code next}: the beginning where all were looked at. */
    public record Noted(Mark next, int released) {}

    /**
     * Looks at up to so many executions that are not known to have ended, and notes and counts those that have. Fails where
     * {@code epoch} is not the leader's.
     */
    public Future<Noted> noteEnded(Mark behind, int limit, long epoch) {
        return sql.run(NOTE_ENDED, Tuple.of(behind.job(), behind.id(), limit, epoch))
                .map(rows -> {
                    var row = rows.iterator().next();
                    var job = row.getUUID("job");
                    return new Noted(
                            job == null ? Mark.START : new Mark(job, row.getUUID("id")), row.getInteger("released"));
                });
    }

    private static StoredExecution whole(Row row) {
        return execution(row, Optional.ofNullable(row.getString("output")).map(Json::new));
    }

    private static StoredExecution listed(Row row) {
        return execution(row, Optional.empty());
    }

    private static StoredExecution execution(Row row, Optional<Json> output) {
        var attempt = row.getShort("attempt");
        var until = Rows.optionalTime(row, "skipped_until");
        var fires = row.getInteger("skipped_fires");
        return new StoredExecution(
                row.getUUID("id"),
                new JobId(row.getUUID("job_id")),
                status(row),
                Trigger.ofWireName(row.getString("cause")),
                Optional.ofNullable(row.getUUID("event_id")).map(EventId::new),
                Rows.time(row, "scheduled_at"),
                Rows.optionalTime(row, "started_at"),
                Rows.optionalTime(row, "completed_at"),
                attempt == null ? 0 : attempt,
                row.getInteger("max_retries"),
                Rows.optionalTime(row, "next_attempt_at"),
                Rows.worker(row),
                Optional.ofNullable(row.getString("error")),
                output,
                until.map(last -> new Skipped(
                        last, fires == null ? OptionalInt.empty() : OptionalInt.of(fires), row.getString("reason"))),
                Rows.time(row, "created_at"),
                Rows.trace(row, "traceparent"),
                Rows.progress(row),
                Optional.ofNullable(row.getString("metadata")).map(Json::new));
    }

    private static ExecutionStatus status(Row row) {
        var outcome = row.getString("outcome");
        var task = row.getString("task_state");
        if (outcome != null) {
            return ExecutionStatus.ofWireName(outcome);
        }
        return task != null
                ? ExecutionStatus.of(TaskState.ofWireName(task))
                : ExecutionStatus.of(RunState.ofWireName(row.getString("run_state")));
    }
}
