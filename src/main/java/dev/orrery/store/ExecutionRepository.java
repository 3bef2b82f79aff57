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
import org.jspecify.annotations.Nullable;

/** What jobs did: their executions, each of which is a run, and the due times that were left out. */
public final class ExecutionRepository {

    // An execution of one task is told by that task, one of a DAG by its run.
    private static final String COLUMNS = """
            e.id, e.job_id, e.scheduled_at, e.created_at, e.cause, e.event_id, e.outcome, e.traceparent, r.state AS run_state,
                   r.started_at, r.completed_at, t.state AS task_state, t.attempt, t.error, t.progress, t.next_attempt_at, t.node_id,
                   t.worker_no, j.max_retries, j.metadata::text AS metadata, NULL::timestamptz AS skipped_until, NULL::int AS skipped_fires,
                   NULL::text AS reason""";

    private static final String JOINED = """
            JOIN jobs j ON j.id = e.job_id AND j.deleted_at IS NULL
            JOIN dag_runs r ON r.id = e.id
            JOIN dags d ON d.id = r.dag_id
            LEFT JOIN LATERAL (SELECT s.* FROM task_states s WHERE s.id = instance_id(e.id, 1) AND d.is_internal OFFSET 0) t
                ON true""";

    // language=PostgreSQL
    static final String GET = """
            SELECT %s, o.output::text AS output
            FROM job_executions e
            %s
            LEFT JOIN task_outputs o ON o.task_id = instance_id(e.id, 1) AND o.attempt = t.attempt AND d.is_internal
            WHERE e.tenant_id = $1 AND e.id = $2
            """.formatted(COLUMNS, JOINED);

    // What was left out stands between what was done, one entry for each row of due times.
    // language=PostgreSQL
    static final String LIST_OF_JOB = """
            WITH found AS MATERIALIZED (
                SELECT e.* FROM job_executions e
                WHERE e.tenant_id = $1 AND e.job_id = $2
                  AND ($3::timestamptz IS NULL OR e.scheduled_at >= $3)
                  AND ($4::timestamptz IS NULL OR e.scheduled_at < $4)
                  AND ($5::timestamptz IS NULL OR (e.scheduled_at, e.id) < ($5, $6::uuid))
                  AND ($7::text IS NULL OR e.outcome = $7)
                  AND ($8::text IS NULL OR e.outcome IS NULL AND EXISTS (
                      SELECT FROM dag_runs r
                      WHERE r.id = e.id AND ($8 = 'running') = (r.state IN ('running', 'cancelling')) AND r.state < 'succeeded'))
                  AND NOT $9
                ORDER BY e.scheduled_at DESC, e.id DESC
                LIMIT $10
            ), left_out AS MATERIALIZED (
                SELECT ('00000000-0000-8000-8000-' || lpad(to_hex(s.id), 12, '0'))::uuid AS id,
                       s.job_id, s.first_at, s.last_at, s.fires, s.reason, s.created_at
                FROM job_skips s
                WHERE s.job_id = $2 AND ($9 OR $7 IS NULL AND $8 IS NULL)
                  AND EXISTS (SELECT FROM jobs j WHERE j.id = $2 AND j.tenant_id = $1 AND j.deleted_at IS NULL)
                  AND ($3 IS NULL OR s.first_at >= $3) AND ($4 IS NULL OR s.first_at < $4)
                  AND ($5 IS NULL OR s.first_at < $5
                       OR s.first_at = $5
                          AND ('00000000-0000-8000-8000-' || lpad(to_hex(s.id), 12, '0'))::uuid < $6)
                ORDER BY s.first_at DESC, s.id DESC
                LIMIT $10
            )
            SELECT * FROM (
                SELECT %s FROM found e
                %s
                UNION ALL
                SELECT l.id, l.job_id, l.first_at, l.created_at, 'schedule', NULL, 'skipped', NULL, NULL, NULL, NULL, NULL, NULL,
                       NULL, NULL, NULL, NULL, NULL, 0, NULL, l.last_at, l.fires, l.reason
                FROM left_out l
            ) x
            ORDER BY x.scheduled_at DESC, x.id DESC
            LIMIT $10
            """.formatted(COLUMNS, JOINED);

    private static final String WANTED = """
            e.tenant_id = $1
                  AND ($2::timestamptz IS NULL OR e.scheduled_at >= $2)
                  AND ($3::timestamptz IS NULL OR e.scheduled_at < $3)
                  AND ($4::timestamptz IS NULL OR (e.scheduled_at, e.id) < ($4, $5::uuid))
                  AND ($6::text IS NULL OR e.outcome = $6)
                  AND ($7::text IS NULL OR e.outcome IS NULL AND EXISTS (
                      SELECT FROM dag_runs r
                      WHERE r.id = e.id AND ($7 = 'running') = (r.state IN ('running', 'cancelling')) AND r.state < 'succeeded'))""";

    // language=PostgreSQL
    static final String LIST = """
            WITH found AS MATERIALIZED (
                SELECT e.* FROM job_executions e
                WHERE %s
                ORDER BY e.scheduled_at DESC, e.id DESC
                LIMIT $8
            )
            SELECT %s FROM found e
            %s
            ORDER BY e.scheduled_at DESC, e.id DESC
            """.formatted(WANTED, COLUMNS, JOINED);

    // An execution that was given no trace is the one whose id the trace has.
    // language=PostgreSQL
    static final String LIST_OF_TRACE = """
            WITH found AS MATERIALIZED (
                (SELECT e.* FROM job_executions e
                 WHERE e.trace_id = $9 AND %s
                 ORDER BY e.scheduled_at DESC, e.id DESC
                 LIMIT $8)
                UNION ALL
                (SELECT e.* FROM job_executions e WHERE e.id = $9 AND e.trace_id IS NULL AND %s)
            )
            SELECT %s FROM found e
            %s
            ORDER BY e.scheduled_at DESC, e.id DESC
            LIMIT $8
            """.formatted(WANTED, WANTED, COLUMNS, JOINED);

    // Bad ends are few between many good ones, and have an index of their own.
    // language=PostgreSQL
    static final String LIST_BAD_OF_JOB = LIST_OF_JOB.replace(
            "($7::text IS NULL OR e.outcome = $7)", "e.outcome = $7::text AND e.outcome <> 'success'");

    // language=PostgreSQL
    static final String LIST_BAD =
            LIST.replace("($6::text IS NULL OR e.outcome = $6)", "e.outcome = $6::text AND e.outcome <> 'success'");

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

    // Due and not fired are those that the leader has not come to yet; more than the limit are not counted.
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

    /** Which executions are wanted; times are those at which they were due, {@code to} excluded. */
    public record Filter(
            Optional<ExecutionStatus> status, Optional<Instant> from, Optional<Instant> to, Optional<UUID> trace) {

        /** Of all traces. */
        public Filter(Optional<ExecutionStatus> status, Optional<Instant> from, Optional<Instant> to) {
            this(status, from, to, Optional.empty());
        }
    }

    /** A place in lists, which are newest first. */
    public record Position(Instant scheduledAt, UUID id) {}

    public Future<Optional<StoredExecution>> get(TenantId tenant, UUID id) {
        return sql.run(GET, Tuple.of(tenant.value(), id)).map(rows -> Rows.first(rows, ExecutionRepository::whole));
    }

    /** Of one job and all traces, newest first, those behind the position; with what was left out. */
    public Future<List<StoredExecution>> ofJob(
            TenantId tenant, JobId job, Filter filter, Optional<Position> behind, int limit) {
        var parameters = Tuple.of(tenant.value(), job.value())
                .addValue(time(filter.from()))
                .addValue(time(filter.to()))
                .addValue(time(behind.map(Position::scheduledAt)))
                .addValue(behind.map(Position::id).orElse(null))
                .addValue(outcome(filter))
                .addValue(openState(filter))
                .addValue(filter.status().equals(Optional.of(ExecutionStatus.SKIPPED)))
                .addValue(limit);
        return sql.run(isBad(filter) ? LIST_BAD_OF_JOB : LIST_OF_JOB, parameters)
                .map(rows -> Rows.list(rows, ExecutionRepository::listed));
    }

    /** Of all jobs, newest first, those behind the position. */
    public Future<List<StoredExecution>> list(TenantId tenant, Filter filter, Optional<Position> behind, int limit) {
        var parameters = Tuple.of(tenant.value())
                .addValue(time(filter.from()))
                .addValue(time(filter.to()))
                .addValue(time(behind.map(Position::scheduledAt)))
                .addValue(behind.map(Position::id).orElse(null))
                .addValue(outcome(filter))
                .addValue(openState(filter))
                .addValue(limit);
        filter.trace().ifPresent(parameters::addValue);
        var usual = isBad(filter) ? LIST_BAD : LIST;
        return sql.run(filter.trace().isPresent() ? LIST_OF_TRACE : usual, parameters)
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
        return sql.transaction(transaction -> IdempotencyRepository.once(
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
        return sql.transaction(transaction -> IdempotencyRepository.once(
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
                        .compose(rows ->
                                rows.iterator().next().getString("verdict").equals("fired")
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
