package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.domain.job.JobPriority;
import dev.orrery.domain.job.JobStatus;
import dev.orrery.domain.job.JobType;
import dev.orrery.domain.job.MisfirePolicy;
import dev.orrery.domain.job.OverlapPolicy;
import dev.orrery.domain.job.ScheduledJob;
import dev.orrery.domain.job.ScheduledJob.Timing;
import dev.orrery.domain.job.ScheduledJob.Work;
import dev.orrery.domain.task.FailureRule;
import dev.orrery.domain.task.RetryRules;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Jobs as people register, look at and change them; {@link JobListRepository} lists them, {@link JobRepository} fires them. */
public final class ScheduledJobRepository {

    // What a job's rows tell, with the alias j for jobs.
    static final String COLUMNS = """
            j.id, j.dag_id, j.name, j.type, j.status, j.schedule, j.interval_ms, j.run_at, j.timezone, j.start_at, j.end_at,
                   j.max_executions, j.excluded_dates, j.misfire, j.overlap, j.handler_type, j.handler_name,
                   j.payload::text AS payload, j.max_retries, j.retry_delay_ms, j.timeout_ms, j.total_timeout_ms, j.retry_on,
                   j.give_up_on, j.priority, j.tags,
                   j.metadata::text AS metadata, j.created_by, j.error, j.created_at, j.updated_at, j.completed_at,
                   j.cancelled_at, j.traceparent, j.start_at > statement_timestamp() AS is_early, nullif(t.due_at, 'infinity') AS due_at, t.is_planned, t.fires,
                   (SELECT e.scheduled_at FROM job_executions e
                    WHERE e.job_id = j.id ORDER BY e.scheduled_at DESC LIMIT 1) AS last_run,
                   (SELECT count(*) FROM job_executions e WHERE e.job_id = j.id AND e.outcome IS NULL)
                       + coalesce(c.executions, 0) AS executions,
                   coalesce(c.successes, 0) AS successes, coalesce(c.failures, 0) AS failures,
                   (extract(epoch FROM c.duration_sum) * 1000 / nullif(c.executions, 0))::bigint AS average_ms
            FROM jobs j
            LEFT JOIN job_timers t ON t.job_id = j.id
            LEFT JOIN job_counts c ON c.job_id = j.id""";

    // The DAG is held against its deletion. What follows makes use of the row.
    static final String REGISTERED = """
            dag AS (
                SELECT d.id FROM dags d
                WHERE d.id = $3 AND d.tenant_id = $2 AND d.deleted_at IS NULL
                FOR KEY SHARE
            ), registered AS (
                INSERT INTO jobs (id, tenant_id, dag_id, name, type, schedule, interval_ms, run_at, timezone, start_at, end_at,
                                  max_executions, excluded_dates, misfire, overlap, handler_type, handler_name, payload,
                                  passes_payload, max_retries, retry_delay_ms, timeout_ms, priority, tags, metadata,
                                  total_timeout_ms, retry_on, give_up_on, created_by)
                SELECT $1, $2, d.id, $4, $5::text::job_type, $6, $7, $8, $9,
                       CASE WHEN $7::bigint IS NULL THEN $10 ELSE coalesce($10::timestamptz, clock_timestamp()) END, $11,
                       $12, $13, $14::text::misfire_policy, $15::text::overlap_policy, $16::text::handler_type, $17,
                       $18::text::json, $19, $20, $21, $22, $23, $24, $25::text::json, $26, $27, $28,
                       $29
                FROM dag d
                RETURNING id, tenant_id
            )
            """;

    // language=PostgreSQL
    static final String REGISTER = "WITH "
            + REGISTERED.replace("created_by)", "created_by, traceparent)").replace("$29\n", "$29, $30\n")
            + "INSERT INTO job_timers (job_id) SELECT r.id FROM registered r";

    // The same for a job that there is, unless it was changed meanwhile.
    static final String CHANGED = """
            dag AS (
                SELECT d.id FROM dags d
                WHERE d.id = $3 AND d.tenant_id = $2 AND d.deleted_at IS NULL
                FOR KEY SHARE
            ), changed AS (
                UPDATE jobs j
                SET dag_id = d.id, name = $4, type = $5::text::job_type, schedule = $6, interval_ms = $7, run_at = $8,
                    timezone = $9,
                    start_at = CASE WHEN $7::bigint IS NULL THEN $10 ELSE coalesce($10::timestamptz, j.created_at) END,
                    end_at = $11, max_executions = $12, excluded_dates = $13, misfire = $14::text::misfire_policy,
                    overlap = $15::text::overlap_policy, handler_type = $16::text::handler_type, handler_name = $17,
                    payload = $18::text::json, passes_payload = $19, max_retries = $20, retry_delay_ms = $21,
                    timeout_ms = $22, priority = $23, tags = $24, metadata = $25::text::json,
                    total_timeout_ms = $26, retry_on = $27, give_up_on = $28, created_by = $29,
                    updated_at = clock_timestamp(), error = NULL, completed_at = NULL,
                    status = CASE WHEN j.status = 'paused' THEN 'paused' ELSE 'active' END::job_status
                FROM dag d
                WHERE j.id = $1 AND j.tenant_id = $2 AND j.deleted_at IS NULL AND j.status <> 'cancelled'
                  AND j.id <> j.dag_id AND j.updated_at = $30
                RETURNING j.id
            )
            """;

    // Planned anew, from now on; executions that there were are counted on.
    // language=PostgreSQL
    static final String CHANGE = "WITH " + CHANGED + """
            INSERT INTO job_timers AS t (job_id) SELECT r.id FROM changed r
            ON CONFLICT (job_id) DO UPDATE
                SET due_at = clock_timestamp(), is_planned = false, held_at = NULL, is_released = false
            """;

    // language=PostgreSQL
    static final String GET = "SELECT " + COLUMNS + " WHERE j.tenant_id = $1 AND j.id = $2 AND j.deleted_at IS NULL";

    // A DAG's own job is paused with its DAG, whose trigger does the rest.
    // language=PostgreSQL
    static final String PAUSE = """
            WITH asked AS (
                SELECT j.id, j.dag_id, j.status FROM jobs j
                WHERE j.tenant_id = $1 AND j.id = $2 AND j.deleted_at IS NULL FOR NO KEY UPDATE
            ), dag AS (
                UPDATE dags d SET is_active = false, updated_at = clock_timestamp()
                FROM asked a WHERE d.id = a.id AND d.is_active
            ), paused AS (
                UPDATE jobs j SET status = 'paused', updated_at = clock_timestamp()
                FROM asked a WHERE j.id = a.id AND a.status = 'active' AND a.id <> a.dag_id
            ), timer AS (
                UPDATE job_timers t SET is_paused = true
                FROM asked a WHERE t.job_id = a.id AND a.status = 'active' AND a.id <> a.dag_id
            )
            SELECT a.status FROM asked a
            """;

    // language=PostgreSQL
    static final String RESUME = """
            WITH asked AS (
                SELECT j.id, j.dag_id, j.status FROM jobs j
                WHERE j.tenant_id = $1 AND j.id = $2 AND j.deleted_at IS NULL FOR NO KEY UPDATE
            ), dag AS (
                UPDATE dags d SET is_active = true, updated_at = clock_timestamp()
                FROM asked a WHERE d.id = a.id AND NOT d.is_active
            ), resumed AS (
                UPDATE jobs j SET status = 'active', updated_at = clock_timestamp()
                FROM asked a WHERE j.id = a.id AND a.status = 'paused' AND a.id <> a.dag_id
            ), timer AS (
                UPDATE job_timers t SET is_paused = false
                FROM asked a WHERE t.job_id = a.id AND a.status = 'paused' AND a.id <> a.dag_id
            )
            SELECT a.status FROM asked a
            """;

    // language=PostgreSQL
    static final String CANCEL = """
            WITH asked AS (
                SELECT j.id, j.dag_id, j.status FROM jobs j
                WHERE j.tenant_id = $1 AND j.id = $2 AND j.deleted_at IS NULL FOR NO KEY UPDATE
            ), cancelled AS (
                UPDATE jobs j
                SET status = 'cancelled', error = NULL, cancelled_at = clock_timestamp(), updated_at = clock_timestamp()
                FROM asked a WHERE j.id = a.id AND a.status IN ('active', 'paused', 'failed') AND a.id <> a.dag_id
            ), timer AS (
                DELETE FROM job_timers t USING asked a
                WHERE t.job_id = a.id AND a.status IN ('active', 'paused', 'failed') AND a.id <> a.dag_id
            )
            SELECT a.status FROM asked a
            """;

    // language=PostgreSQL
    static final String HIDE = """
            WITH hidden AS (
                UPDATE jobs j SET deleted_at = clock_timestamp()
                WHERE j.tenant_id = $1 AND j.id = $2 AND j.deleted_at IS NULL AND j.id <> j.dag_id
                RETURNING j.id
            ), timer AS (
                DELETE FROM job_timers t USING hidden h WHERE t.job_id = h.id
            )
            SELECT h.id FROM hidden h
            """;

    // language=PostgreSQL
    static final String LIST_OPEN_EXECUTIONS = """
            SELECT e.id FROM job_executions e
            WHERE e.tenant_id = $1 AND e.job_id = $2 AND e.outcome IS NULL ORDER BY e.id LIMIT $3
            """;

    // language=PostgreSQL
    static final String NOW = "SELECT clock_timestamp() AS now";

    // language=PostgreSQL
    static final String PURGE_HIDDEN = "SELECT purge_hidden_jobs($1) AS purged FROM require_epoch($2)";

    private final Sql sql;

    public ScheduledJobRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private ScheduledJobRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public ScheduledJobRepository by(ChangeRequest request) {
        return new ScheduledJobRepository(sql.by(request));
    }

    /**
     * A job with what came of it.
     *
     * @param isOfDag whether it is the schedule that a DAG's own file names
     * @param nextRun when it fires next, by what the leader planned; absent also while it did not plan yet
     * @param isPlanned whether the leader has planned it since it was last changed
     * @param executions how many there were in all
     * @param averageMillis how long those that ended took
     * @param trace what its executions belong to
     */
    public record StoredJob(
            JobId id,
            ScheduledJob job,
            boolean isOfDag,
            JobStatus status,
            Optional<String> error,
            Optional<Instant> nextRun,
            boolean isPlanned,
            Optional<Instant> lastRun,
            long fires,
            long executions,
            long successes,
            long failures,
            Optional<Duration> averageMillis,
            Instant createdAt,
            Instant updatedAt,
            Optional<Instant> completedAt,
            Optional<Instant> cancelledAt,
            Optional<TraceContext> trace) {

        /** One that is known by its registration alone, since it was deleted. */
        public static StoredJob deleted(JobId id, NewJob made, Instant registeredAt) {
            return new StoredJob(
                    id,
                    made.job(),
                    false,
                    JobStatus.CANCELLED,
                    Optional.empty(),
                    Optional.empty(),
                    false,
                    Optional.empty(),
                    0,
                    0,
                    0,
                    0,
                    Optional.empty(),
                    registeredAt,
                    registeredAt,
                    Optional.empty(),
                    Optional.empty(),
                    made.trace());
        }
    }

    /**
     * A job that is to be registered.
     *
     * @param passesPayload whether its payload goes along as the params of its runs
     * @param trace what its executions belong to
     */
    public record NewJob(ScheduledJob job, boolean passesPayload, Optional<TraceContext> trace) {}

    /**
     * Registers a job that fires this DAG; under a key that made one before, answers that one. Fails with {@code
     * HANDLER_NOT_FOUND} where the DAG is gone, with {@code CONFLICT} where the key came with another request.
     */
    public Future<JobId> create(TenantId tenant, JobId id, DagId dag, NewJob made, Optional<NewRun.Key> key) {
        var job = made.job();
        var parameters = parameters(tenant, id, dag, job, made.passesPayload())
                .addValue(made.trace().map(TraceContext::traceparent).orElse(null));
        return sql.change(
                Resource.of(Kind.JOB, tenant, id),
                transaction -> IdempotencyRepository.once(
                        transaction,
                        tenant,
                        key,
                        id.value(),
                        () -> transaction
                                .preparedQuery(REGISTER)
                                .execute(parameters)
                                .compose(rows -> rows.rowCount() == 1
                                        ? Future.succeededFuture(id)
                                        : Future.failedFuture(new OrreryException(
                                                ErrorCode.HANDLER_NOT_FOUND,
                                                "there is no DAG called '"
                                                        + job.work().handler() + "'"))),
                        earlier -> Future.succeededFuture(new JobId(earlier))));
    }

    /**
     * Changes a job that is not a DAG's own and was not cancelled; false where it was changed since {@code seen}, or it or the
     * DAG is gone.
     */
    public Future<Boolean> update(
            TenantId tenant, JobId id, DagId dag, ScheduledJob job, boolean passesPayload, Instant seen) {
        var parameters = parameters(tenant, id, dag, job, passesPayload).addValue(time(Optional.of(seen)));
        return sql.change(Resource.of(Kind.JOB, tenant, id), CHANGE, parameters).map(rows -> rows.rowCount() == 1);
    }

    /** The first 29 parameters of {@link #REGISTER} and {@link #CHANGE}. */
    static Tuple parameters(TenantId tenant, JobId id, DagId dag, ScheduledJob job, boolean passesPayload) {
        var timing = job.timing();
        var work = job.work();
        return Tuple.tuple()
                .addValue(id.value())
                .addValue(tenant.value())
                .addValue(dag.value())
                .addValue(Texts.clean(job.name()))
                .addValue(job.type().wireName())
                .addValue(timing.schedule().orElse(null))
                .addValue(timing.interval().map(Duration::toMillis).orElse(null))
                .addValue(time(timing.runAt()))
                .addValue(timing.timezone())
                .addValue(time(timing.startAt()))
                .addValue(time(timing.endAt()))
                .addValue(
                        timing.maxExecutions().isPresent()
                                ? (Object) timing.maxExecutions().getAsInt()
                                : null)
                .addValue(timing.excludedDates().stream().sorted().toArray(LocalDate[]::new))
                .addValue(timing.misfire().wireName())
                .addValue(timing.overlap().wireName())
                .addValue(work.type().wireName())
                .addValue(Texts.clean(work.handler()))
                .addValue(work.payload().map(Texts::clean).map(Json::text).orElse(null))
                .addValue(passesPayload)
                .addValue(work.maxRetries())
                .addValue(work.retryDelay().toMillis())
                .addValue(work.timeout().toMillis())
                .addValue((short) work.priority().taskPriority())
                .addValue(job.tags().stream().map(Texts::clean).toArray(String[]::new))
                .addValue(job.metadata().map(Texts::clean).map(Json::text).orElse(null))
                .addValue(work.totalTimeout().map(Duration::toMillis).orElse(null))
                .addValue(texts(work.rules().retryOn()))
                .addValue(texts(work.rules().giveUpOn()))
                .addValue(job.createdBy().map(Texts::clean).orElse(null));
    }

    private static Object texts(List<FailureRule> rules) {
        return rules.stream().map(FailureRule::text).toArray(String[]::new);
    }

    private static List<FailureRule> rules(Row row, String column) {
        return Stream.of(row.getArrayOfStrings(column)).map(FailureRule::new).toList();
    }

    static java.time.@Nullable OffsetDateTime time(Optional<Instant> time) {
        return time.map(instant -> instant.atOffset(ZoneOffset.UTC)).orElse(null);
    }

    public Future<Optional<StoredJob>> get(TenantId tenant, JobId id) {
        return sql.run(GET, Tuple.of(tenant.value(), id.value()))
                .map(rows -> Rows.first(rows, ScheduledJobRepository::job));
    }

    /** The status it had; empty where there is no such job. One that does not fire any more is left as it is. */
    public Future<Optional<JobStatus>> pause(TenantId tenant, JobId id) {
        return move(PAUSE, tenant, id);
    }

    /**
     * As {@link #pause}: it fires again. What it missed meanwhile is up to its misfire policy. Fails with {@code CONFLICT} for
     * an event's handler where the event has as many as it may.
     */
    public Future<Optional<JobStatus>> resume(TenantId tenant, JobId id) {
        return move(RESUME, tenant, id);
    }

    /** As {@link #pause}: it never fires again. */
    public Future<Optional<JobStatus>> cancel(TenantId tenant, JobId id) {
        return move(CANCEL, tenant, id);
    }

    private Future<Optional<JobStatus>> move(String statement, TenantId tenant, JobId id) {
        return EventHandlerRepository.refusing(
                        sql.change(Resource.of(Kind.JOB, tenant, id), statement, Tuple.of(tenant.value(), id.value())))
                .map(rows -> Rows.first(rows, row -> JobStatus.ofWireName(row.getString("status"))));
    }

    /** Takes a job away from all readers; its rows go with {@link #purgeHidden}. False where there is none, or it is a DAG's. */
    public Future<Boolean> delete(TenantId tenant, JobId id) {
        return sql.change(Resource.of(Kind.JOB, tenant, id), HIDE, Tuple.of(tenant.value(), id.value()))
                .map(rows -> rows.size() == 1);
    }

    /** Executions that are not known to have ended, the oldest first. */
    public Future<List<UUID>> openExecutions(TenantId tenant, JobId id, int limit) {
        return sql.run(LIST_OPEN_EXECUTIONS, Tuple.of(tenant.value(), id.value(), limit))
                .map(rows -> Rows.list(rows, row -> row.getUUID("id")));
    }

    /** What time it is for all decisions about jobs: this node's clock may be wrong. */
    public Future<Instant> now() {
        return sql.run(NOW, Tuple.tuple()).map(rows -> Rows.time(rows.iterator().next(), "now"));
    }

    /** Deletes a part of what belongs to a deleted job, about so many executions; false where nothing was left to do. */
    public Future<Boolean> purgeHidden(int executions, long epoch) {
        return sql.run(PURGE_HIDDEN, Tuple.of(executions, epoch))
                .map(rows -> rows.iterator().next().getBoolean("purged"));
    }

    static StoredJob job(Row row) {
        var status = JobStatus.ofWireName(row.getString("status"));
        var isEarly = Boolean.TRUE.equals(row.getBoolean("is_early"));
        var isPlanned = Boolean.TRUE.equals(row.getBoolean("is_planned"));
        var mayFire = isPlanned && status == JobStatus.ACTIVE;
        var fires = row.getLong("fires");
        return new StoredJob(
                new JobId(row.getUUID("id")),
                scheduled(row),
                row.getUUID("id").equals(row.getUUID("dag_id")),
                status == JobStatus.ACTIVE && isEarly ? JobStatus.PENDING : status,
                Optional.ofNullable(row.getString("error")),
                mayFire ? Rows.optionalTime(row, "due_at") : Optional.empty(),
                isPlanned,
                Rows.optionalTime(row, "last_run"),
                fires == null ? 0 : fires,
                row.getLong("executions"),
                row.getLong("successes"),
                row.getLong("failures"),
                Optional.ofNullable(row.getLong("average_ms")).map(Duration::ofMillis),
                Rows.time(row, "created_at"),
                Rows.time(row, "updated_at"),
                Rows.optionalTime(row, "completed_at"),
                Rows.optionalTime(row, "cancelled_at"),
                Rows.trace(row, "traceparent"));
    }

    private static ScheduledJob scheduled(Row row) {
        return new ScheduledJob(
                row.getString("name"),
                JobType.ofWireName(row.getString("type")),
                timing(row),
                work(row),
                List.of(row.getArrayOfStrings("tags")),
                Optional.ofNullable(row.getString("metadata")).map(Json::new),
                Optional.ofNullable(row.getString("created_by")));
    }

    static Timing timing(Row row) {
        var count = row.getInteger("max_executions");
        return new Timing(
                Optional.ofNullable(row.getString("schedule")),
                Optional.ofNullable(row.getLong("interval_ms")).map(Duration::ofMillis),
                Rows.optionalTime(row, "run_at"),
                row.getString("timezone"),
                Rows.optionalTime(row, "start_at"),
                Rows.optionalTime(row, "end_at"),
                count == null ? OptionalInt.empty() : OptionalInt.of(count),
                Set.of(row.getArrayOfLocalDates("excluded_dates")),
                MisfirePolicy.ofWireName(row.getString("misfire")),
                OverlapPolicy.ofWireName(row.getString("overlap")));
    }

    private static Work work(Row row) {
        return new Work(
                HandlerType.ofWireName(row.getString("handler_type")),
                row.getString("handler_name"),
                Optional.ofNullable(row.getString("payload")).map(Json::new),
                row.getInteger("max_retries"),
                Duration.ofMillis(row.getLong("retry_delay_ms")),
                Duration.ofMillis(row.getLong("timeout_ms")),
                JobPriority.ofTaskPriority(row.getShort("priority")),
                Optional.ofNullable(row.getLong("total_timeout_ms")).map(Duration::ofMillis),
                new RetryRules(rules(row, "retry_on"), rules(row, "give_up_on")));
    }
}
