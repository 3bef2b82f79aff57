package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.JobId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.event.EventRule;
import dev.orrery.domain.event.EventRule.Debounce;
import dev.orrery.domain.event.EventRule.Throttle;
import dev.orrery.domain.job.HandlerType;
import dev.orrery.domain.job.JobStatus;
import dev.orrery.domain.job.ScheduledJob;
import dev.orrery.store.JobListRepository.Position;
import dev.orrery.store.ScheduledJobRepository.StoredJob;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Event handlers as people register, look at and change them, and as those who publish need them. */
public final class EventHandlerRepository {

    /** SQLSTATE of {@code admit_handler}: the event has as many enabled handlers as it may. */
    private static final String TOO_MANY = "OR003";

    private static final String RULE = """
            , h.event_name, h.is_enabled, h.revision, h.filter, h.payload_mapping, h.debounce_ms, h.debounce_max_ms,
                   h.debounce_key, h.throttle_limit, h.throttle_ms, h.throttle_key
            FROM jobs j
            JOIN event_handlers h ON h.job_id = j.id
            """;

    private static final String COLUMNS = ScheduledJobRepository.COLUMNS.replace("FROM jobs j\n", RULE);

    // language=PostgreSQL
    static final String REGISTER = "WITH " + ScheduledJobRepository.REGISTERED + """
            INSERT INTO event_handlers (job_id, tenant_id, event_name, filter, payload_mapping, debounce_ms, debounce_max_ms,
                                        debounce_key, throttle_limit, throttle_ms, throttle_key)
            SELECT r.id, r.tenant_id, $30, $31, $32, $33, $34, $35, $36, $37, $38 FROM registered r
            """;

    // language=PostgreSQL
    static final String CHANGE = "WITH " + ScheduledJobRepository.CHANGED + """
            UPDATE event_handlers h
            SET revision = h.revision + 1, event_name = $31, filter = $32, payload_mapping = $33, debounce_ms = $34,
                debounce_max_ms = $35, debounce_key = $36, throttle_limit = $37, throttle_ms = $38, throttle_key = $39
            FROM changed c WHERE h.job_id = c.id
            """;

    // language=PostgreSQL
    static final String GET = "SELECT " + COLUMNS + " WHERE j.tenant_id = $1 AND j.id = $2 AND j.deleted_at IS NULL";

    private static final String PAGE = """
              AND j.tenant_id = $1 AND j.deleted_at IS NULL
              AND ($2::timestamptz IS NULL OR (j.created_at, j.id) < ($2, $3::uuid))
              AND ($5::text IS NULL OR h.event_name = $5)
              AND ($6::boolean IS NULL OR h.is_enabled = $6)
            ORDER BY j.created_at DESC, j.id DESC
            LIMIT $4
            """;

    // One list for each filter, so that each has its own index and none is planned for the others.
    // language=PostgreSQL
    static final String LIST = "SELECT " + COLUMNS + "\nWHERE j.type = 'event'\n" + PAGE;

    // language=PostgreSQL
    static final String LIST_OF_NAME = "SELECT " + COLUMNS + "\nWHERE h.tenant_id = $1 AND h.event_name = $5\n" + PAGE;

    // All in one snapshot; one row without a handler where there is none.
    // language=PostgreSQL
    static final String GET_ENABLED = """
            SELECT s.state, h.job_id, h.revision, h.filter, h.payload_mapping, h.debounce_ms, h.debounce_max_ms, h.debounce_key,
                   h.throttle_limit, h.throttle_ms, h.throttle_key, j.handler_type, d.task_count
            FROM (SELECT handlers_state($1, $2) AS state) s
            LEFT JOIN event_handlers h ON h.tenant_id = $1 AND h.event_name = $2 AND h.is_enabled
            LEFT JOIN jobs j ON j.id = h.job_id
            LEFT JOIN dags d ON d.id = j.dag_id
            ORDER BY h.job_id
            """;

    private final Sql sql;

    public EventHandlerRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    private EventHandlerRepository(Sql sql) {
        this.sql = sql;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public EventHandlerRepository by(ChangeRequest request) {
        return new EventHandlerRepository(sql.by(request));
    }

    /** A handler with what came of it. {@code enabled}: it is neither paused nor cancelled. */
    public record StoredHandler(StoredJob stored, EventRule rule, boolean enabled) {

        public JobId id() {
            return stored.id();
        }
    }

    /** Which handlers are wanted: all of what is given has to hold. */
    public record Filter(Optional<String> eventName, Optional<Boolean> enabled) {}

    /**
     * Registers a handler that fires this DAG; under a key that made one before, answers that one. Fails with {@code
     * HANDLER_NOT_FOUND} where the DAG is gone, with {@code CONFLICT} where the event has as many enabled handlers as it may
     * or the key came with another request.
     */
    public Future<JobId> create(
            TenantId tenant,
            JobId id,
            DagId dag,
            Definition definition,
            boolean passesPayload,
            Optional<NewRun.Key> key) {
        var job = definition.job();
        var parameters =
                with(ScheduledJobRepository.parameters(tenant, id, dag, job, passesPayload), definition.rule());
        return refusing(sql.change(
                Resource.of(Kind.EVENT_HANDLER, tenant, id),
                transaction -> IdempotencyRepository.once(
                        transaction,
                        tenant,
                        key,
                        id.value(),
                        () -> transaction
                                .preparedQuery(REGISTER)
                                .execute(parameters)
                                .compose(rows -> rows.rowCount() == 1
                                        ? enable(transaction, tenant, id, definition.enabled())
                                                .map(id)
                                        : Future.failedFuture(new OrreryException(
                                                ErrorCode.HANDLER_NOT_FOUND,
                                                "there is no DAG called '"
                                                        + job.work().handler() + "'"))),
                        made -> Future.succeededFuture(new JobId(made)))));
    }

    private static Future<?> enable(SqlConnection transaction, TenantId tenant, JobId id, boolean enabled) {
        return transaction
                .preparedQuery(enabled ? ScheduledJobRepository.RESUME : ScheduledJobRepository.PAUSE)
                .execute(Tuple.of(tenant.value(), id.value()));
    }

    /** A handler as it is to be: its job, what it makes of events, and whether they fire it. */
    public record Definition(ScheduledJob job, EventRule rule, boolean enabled) {

        public Definition {
            requireNonNull(job, "job");
            requireNonNull(rule, "rule");
        }
    }

    /** Changes a handler; false where it was changed since {@code seen}, was cancelled, or it or the DAG is gone. */
    public Future<Boolean> update(
            TenantId tenant, JobId id, DagId dag, Definition definition, boolean passesPayload, Instant seen) {
        var parameters = ScheduledJobRepository.parameters(tenant, id, dag, definition.job(), passesPayload)
                .addValue(ScheduledJobRepository.time(Optional.of(seen)));
        with(parameters, definition.rule());
        return refusing(sql.change(
                Resource.of(Kind.EVENT_HANDLER, tenant, id),
                transaction -> transaction
                        .preparedQuery(CHANGE)
                        .execute(parameters)
                        .compose(rows -> rows.rowCount() == 1
                                ? enable(transaction, tenant, id, definition.enabled())
                                        .map(true)
                                : Future.succeededFuture(false))));
    }

    private static Tuple with(Tuple parameters, EventRule rule) {
        return parameters
                .addValue(rule.eventName())
                .addValue(rule.filter().orElse(null))
                .addValue(rule.payloadMapping().orElse(null))
                .addValue(rule.debounce().map(each -> each.quiet().toMillis()).orElse(null))
                .addValue(rule.debounce()
                        .flatMap(Debounce::maxWait)
                        .map(Duration::toMillis)
                        .orElse(null))
                .addValue(rule.debounce().flatMap(Debounce::key).orElse(null))
                .addValue(rule.throttle().map(Throttle::limit).orElse(null))
                .addValue(rule.throttle().map(each -> each.per().toMillis()).orElse(null))
                .addValue(rule.throttle().flatMap(Throttle::key).orElse(null));
    }

    /** Says it where a change would have given an event more enabled handlers than it may have. */
    static <T> Future<T> refusing(Future<T> change) {
        return change.recover(error -> Future.failedFuture(
                error instanceof PgException refused && TOO_MANY.equals(refused.getSqlState())
                        ? new OrreryException(
                                ErrorCode.CONFLICT,
                                refused.getErrorMessage()
                                        + ", more there cannot be: disable or delete one, or let one of them"
                                        + " do the work of several")
                        : error));
    }

    public Future<Optional<StoredHandler>> get(TenantId tenant, JobId id) {
        return sql.run(GET, Tuple.of(tenant.value(), id.value()))
                .map(rows -> Rows.first(rows, EventHandlerRepository::handler));
    }

    /** Newest first, those behind the position. */
    public Future<List<StoredHandler>> list(TenantId tenant, Filter filter, Optional<Position> behind, int limit) {
        var parameters = Tuple.tuple()
                .addValue(tenant.value())
                .addValue(ScheduledJobRepository.time(behind.map(Position::createdAt)))
                .addValue(behind.map(Position::id).orElse(null))
                .addValue(limit)
                .addValue(filter.eventName().map(Texts::clean).orElse(null))
                .addValue(filter.enabled().orElse(null));
        return sql.run(filter.eventName().isPresent() ? LIST_OF_NAME : LIST, parameters)
                .map(rows -> Rows.list(rows, EventHandlerRepository::handler));
    }

    private static StoredHandler handler(Row row) {
        var stored = ScheduledJobRepository.job(row);
        return new StoredHandler(stored, rule(row, row.getString("event_name")), stored.status() == JobStatus.ACTIVE);
    }

    private static EventRule rule(Row row, String eventName) {
        var wait = row.getLong("debounce_ms");
        var limit = row.getInteger("throttle_limit");
        return new EventRule(
                eventName,
                Optional.ofNullable(row.getString("filter")),
                Optional.ofNullable(row.getString("payload_mapping")),
                wait == null
                        ? Optional.empty()
                        : Optional.of(new Debounce(
                                Duration.ofMillis(wait),
                                Optional.ofNullable(row.getLong("debounce_max_ms"))
                                        .map(Duration::ofMillis),
                                Optional.ofNullable(row.getString("debounce_key")))),
                limit == null
                        ? Optional.empty()
                        : Optional.of(new Throttle(
                                limit,
                                Duration.ofMillis(row.getLong("throttle_ms")),
                                Optional.ofNullable(row.getString("throttle_key")))));
    }

    /**
     * The enabled handlers of an event's name.
     *
     * @param state a text that changes with each of them
     */
    public record Handlers(String eventName, String state, List<Enabled> enabled) {

        public Handlers {
            enabled = List.copyOf(enabled);
        }
    }

    /**
     * One that is fired by events.
     *
     * @param revision changes with everything that decides what it makes of an event
     * @param tasks how many an execution has
     */
    public record Enabled(JobId id, int revision, EventRule rule, HandlerType type, int tasks) {}

    public Future<Handlers> enabled(TenantId tenant, String eventName) {
        return sql.run(GET_ENABLED, Tuple.of(tenant.value(), eventName)).map(rows -> handlers(eventName, rows));
    }

    private static Handlers handlers(String eventName, RowSet<Row> rows) {
        var state = rows.iterator().next().getString("state");
        return new Handlers(
                eventName,
                state,
                Rows.list(rows, row -> row).stream()
                        .filter(row -> row.getUUID("job_id") != null)
                        .map(row -> new Enabled(
                                new JobId(row.getUUID("job_id")),
                                row.getInteger("revision"),
                                rule(row, eventName),
                                HandlerType.ofWireName(row.getString("handler_type")),
                                row.getInteger("task_count")))
                        .toList());
    }
}
