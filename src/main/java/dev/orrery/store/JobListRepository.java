package dev.orrery.store;

import static dev.orrery.store.ScheduledJobRepository.COLUMNS;
import static dev.orrery.store.ScheduledJobRepository.time;

import dev.orrery.domain.TenantId;
import dev.orrery.domain.job.JobStatus;
import dev.orrery.domain.job.JobType;
import dev.orrery.store.ScheduledJobRepository.StoredJob;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Lists of jobs, in three orders and by what jobs are found. */
public final class JobListRepository {

    private static final String PAGE = """
              AND j.tenant_id = $1 AND j.deleted_at IS NULL
              AND ($2::timestamptz IS NULL OR (j.created_at, j.id) < ($2, $3::uuid))
              AND ($5::text IS NULL OR j.name ILIKE '%%' || $5 || '%%')
              AND ($6::text IS NULL OR j.status = $6::text::job_status)
              AND ($7::boolean IS NULL OR coalesce(j.start_at > statement_timestamp(), false) = $7)
              AND ($8::text IS NULL OR j.type = $8::text::job_type)
              AND ($9::text IS NULL OR j.handler_name = $9)
              AND ($10::text IS NULL OR j.tags @> ARRAY[$10::text])
            ORDER BY j.created_at DESC, j.id DESC
            LIMIT $4
            """.replace("%%", "%");

    // One list for each filter, so that each has its own index and none is planned for the others.
    // language=PostgreSQL
    static final String LIST = "SELECT " + COLUMNS + "\nWHERE true\n" + PAGE;

    // language=PostgreSQL
    static final String LIST_BY_STATUS = "SELECT " + COLUMNS + "\nWHERE j.status = $6::text::job_status\n" + PAGE;

    // language=PostgreSQL
    static final String LIST_BY_HANDLER = "SELECT " + COLUMNS + "\nWHERE j.handler_name = $9\n" + PAGE;

    // language=PostgreSQL
    static final String LIST_BY_TAG = "SELECT " + COLUMNS + "\nWHERE j.tags @> ARRAY[$10::text]\n" + PAGE;

    // language=PostgreSQL
    static final String LIST_BY_TYPE = "SELECT " + COLUMNS + "\nWHERE j.type = $8::text::job_type\n" + PAGE;

    // language=PostgreSQL
    static final String LIST_IN_ORDER_OF_NAME = ("SELECT " + COLUMNS + "\nWHERE true\n" + PAGE)
            .replace("$2::timestamptz IS NULL OR (j.created_at, j.id) < (", "$2::text IS NULL OR (j.name, j.id) > (")
            .replace("ORDER BY j.created_at DESC, j.id DESC", "ORDER BY j.name, j.id");

    // language=PostgreSQL
    static final String LIST_IN_ORDER_OF_FIRES = ("SELECT " + COLUMNS
                    + "\nWHERE t.is_planned AND NOT t.is_paused AND t.due_at < 'infinity' AND j.status = 'active'\n"
                    + PAGE)
            .replace("(j.created_at, j.id) < (", "(t.due_at, t.job_id) > (")
            .replace("ORDER BY j.created_at DESC, j.id DESC", "ORDER BY t.due_at, t.job_id");

    private final Sql sql;

    public JobListRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** Which jobs are wanted: all of what is given has to hold. {@code text}: is part of the name. */
    public record Filter(
            Optional<JobStatus> status,
            Optional<JobType> type,
            Optional<String> tag,
            Optional<String> handler,
            Optional<String> text) {}

    /** A job in the order of lists, which are newest first. */
    public record Position(Instant createdAt, UUID id) {}

    /** A job in the order of names. */
    public record Named(String name, UUID id) {}

    /** A job in the order in which jobs fire. */
    public record Due(Instant nextRun, UUID id) {}

    /** Newest first, those behind the position. */
    public Future<List<StoredJob>> list(TenantId tenant, Filter filter, Optional<Position> behind, int limit) {
        var parameters = Tuple.of(
                tenant.value(),
                time(behind.map(Position::createdAt)),
                behind.map(Position::id).orElse(null),
                limit);
        return list(statement(filter), parameters, filter);
    }

    /** Those behind this name and id in the order of names. */
    public Future<List<StoredJob>> listByName(TenantId tenant, Filter filter, Optional<Named> behind, int limit) {
        var parameters = Tuple.of(
                tenant.value(),
                behind.map(Named::name).orElse(null),
                behind.map(Named::id).orElse(null),
                limit);
        return list(LIST_IN_ORDER_OF_NAME, parameters, filter);
    }

    /** Those that fire by themselves, in the order in which they do, behind this time and id. */
    public Future<List<StoredJob>> listByNextRun(TenantId tenant, Filter filter, Optional<Due> behind, int limit) {
        var parameters = Tuple.of(
                tenant.value(),
                time(behind.map(Due::nextRun)),
                behind.map(Due::id).orElse(null),
                limit);
        return list(LIST_IN_ORDER_OF_FIRES, parameters, filter);
    }

    private Future<List<StoredJob>> list(String statement, Tuple parameters, Filter filter) {
        var status = filter.status().map(JobListRepository::storedStatus);
        parameters
                .addValue(filter.text().map(JobListRepository::literally).orElse(null))
                .addValue(status.orElse(null))
                .addValue(filter.status().flatMap(JobListRepository::isEarly).orElse(null))
                .addValue(filter.type().map(JobType::wireName).orElse(null))
                .addValue(filter.handler().map(Texts::clean).orElse(null))
                .addValue(filter.tag().map(Texts::clean).orElse(null));
        return sql.run(statement, parameters).map(rows -> Rows.list(rows, ScheduledJobRepository::job));
    }

    private static String statement(Filter filter) {
        if (filter.tag().isPresent()) {
            return LIST_BY_TAG;
        } else if (filter.handler().isPresent()) {
            return LIST_BY_HANDLER;
        } else if (filter.status().isPresent()) {
            return LIST_BY_STATUS;
        }
        return filter.type().isPresent() ? LIST_BY_TYPE : LIST;
    }

    private static String storedStatus(JobStatus status) {
        return status == JobStatus.PENDING ? JobStatus.ACTIVE.wireName() : status.wireName();
    }

    private static Optional<Boolean> isEarly(JobStatus status) {
        return switch (status) {
            case PENDING -> Optional.of(true);
            case ACTIVE -> Optional.of(false);
            case PAUSED, COMPLETED, FAILED, CANCELLED -> Optional.empty();
        };
    }

    /** What stands for any text in a pattern stands for itself. */
    private static String literally(String text) {
        return Texts.clean(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_");
    }
}
