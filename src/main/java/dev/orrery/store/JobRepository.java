package dev.orrery.store;

import dev.orrery.domain.JobId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.job.FirePlan;
import dev.orrery.domain.job.OverlapPolicy;
import dev.orrery.domain.job.ScheduledJob.Timing;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** Jobs: what is due, and its firing in one transaction under the leader's epoch. */
public final class JobRepository {

    // The epoch is held until the transaction ends, and the next leader has to wait for it: a leader that is cut off in
    // the middle must not keep it.
    // language=PostgreSQL
    static final String REQUIRE_EPOCH =
            "SELECT set_config('idle_in_transaction_session_timeout', '2000', true), require_epoch($1)";

    // Where nothing is due yet, those that are due next and soon are taken. Skips what someone holds: a job or a DAG
    // that is
    // just being changed is taken the next time. By ctid: a LIMIT that is a parameter is planned as a tenth of the
    // table.
    // OFFSET 0 keeps the order of the joins: a plan made while there were few jobs would begin with the DAG, and read
    // all
    // its jobs for those that are due.
    // language=PostgreSQL
    static final String TAKE_DUE = """
            WITH horizon AS MATERIALIZED (
                SELECT greatest(statement_timestamp(), (
                    SELECT s.due_at FROM job_timers s
                    WHERE s.due_at <= statement_timestamp() + $2::bigint * interval '1 millisecond' AND NOT s.is_paused
                    ORDER BY s.due_at LIMIT 1)) AS at
            )
            SELECT t.job_id, nullif(t.due_at, 'infinity') AS due_at, t.held_at, t.is_planned, t.fires,
                   j.id = j.dag_id AS is_of_dag, j.schedule, j.interval_ms, j.run_at, j.timezone, j.start_at, j.end_at,
                   j.max_executions, j.excluded_dates, j.misfire, j.overlap, j.created_at, d.task_count,
                   (SELECT h.at FROM horizon h) AS now, t.due_at > statement_timestamp() AND NOT t.is_released AS is_early,
                   (SELECT r.id FROM dag_runs r WHERE r.id = t.last_execution AND r.state < 'succeeded') AS running,
                   j.tenant_id > 1 AND NOT EXISTS (
                       SELECT FROM tenants n WHERE n.id = j.tenant_id AND n.deleted_at IS NULL) AS is_gone
            FROM job_timers t
            CROSS JOIN LATERAL (SELECT * FROM jobs x WHERE x.id = t.job_id OFFSET 0) j
            CROSS JOIN LATERAL (
                SELECT x.task_count FROM dags x
                WHERE x.id = j.dag_id AND x.deleted_at IS NULL OFFSET 0 FOR KEY SHARE SKIP LOCKED) d
            WHERE t.ctid = ANY (ARRAY(
                    SELECT x.place FROM (
                        SELECT s.ctid AS place FROM job_timers s
                        WHERE s.due_at <= (SELECT h.at FROM horizon h) AND NOT s.is_paused
                        ORDER BY s.due_at LIMIT $1) x
                    UNION
                    SELECT y.place FROM (
                        SELECT s.ctid AS place FROM job_timers s
                        WHERE s.is_released AND NOT s.is_paused
                        ORDER BY s.job_id LIMIT $1) y))
              AND (t.due_at <= (SELECT h.at FROM horizon h) OR t.is_released) AND NOT t.is_paused
            FOR UPDATE OF t SKIP LOCKED
            """;

    // language=PostgreSQL
    static final String STOP = "DELETE FROM job_timers t WHERE t.job_id = ANY ($1)";

    // language=PostgreSQL
    static final String FIRE = """
            SELECT fired, nodes, ceil(extract(epoch FROM $13::timestamptz - clock_timestamp()) * 1000)::bigint AS early,
                   clock_timestamp() AS fired_at
            FROM fire_jobs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """;

    // language=PostgreSQL
    static final String FAIL = """
            WITH failed AS (
                UPDATE jobs j SET status = 'failed', error = f.error
                FROM unnest($1::uuid[], $2::text[]) f(job, error)
                WHERE j.id = f.job
                RETURNING j.id
            )
            UPDATE job_timers t SET due_at = 'infinity', held_at = NULL, is_released = false
            FROM failed f WHERE t.job_id = f.id
            """;

    // language=PostgreSQL
    static final String GET_PAUSE = """
            SELECT least(3600000, greatest(0, ceil(extract(epoch FROM t.due_at - clock_timestamp()) * 1000)))::bigint AS pause
            FROM job_timers t WHERE NOT t.is_paused AND t.due_at < 'infinity' ORDER BY t.due_at LIMIT 1
            """;

    /**
     * What one transaction may do.
     *
     * @param jobs how many it takes
     * @param tasks how many tasks it makes, but for one job that makes more
     * @param ahead how long before its time what is due next may be taken
     */
    public record Bite(int jobs, int tasks, Duration ahead) {}

    /**
     * A job that is due, or will be in a moment, by the database's clock.
     *
     * @param timing when it fires; a DAG's own job has the policies of {@code isOfDag}
     * @param due absent where only {@code held} is left
     * @param isPlanned false where it was only registered so far, and {@code due} says when
     * @param fires how often it fired by itself
     * @param running its last execution, where that has not ended
     * @param isEarly whether it is not due yet
     * @param now the time to plan for, which is the due time of those that are early
     */
    public record DueJob(
            JobId id,
            Timing timing,
            boolean isOfDag,
            Optional<Instant> due,
            Optional<Instant> held,
            boolean isPlanned,
            long fires,
            Optional<RunId> running,
            int tasks,
            Instant createdAt,
            boolean isEarly,
            Instant now) {

        /** How many tasks firing it may make. */
        long weight() {
            return timing.overlap() == OverlapPolicy.ALLOW ? (long) tasks * FirePlan.FIRES_AT_ONCE : tasks;
        }
    }

    /** What a plan may come to. */
    public sealed interface Planned {

        record Plan(FirePlan plan) implements Planned {}

        /** The job fires no more: {@code reason} is kept with it. */
        record Failed(String reason) implements Planned {}

        /** To be asked again when it is due. */
        record NotYet() implements Planned {}
    }

    /**
     * What was done.
     *
     * @param dealtWith for how many jobs something was done
     * @param fired how many runs were created
     * @param cancelsAsked whether attempts on nodes are to end
     * @param delays how long after their due times the runs were created, but for those that waited for the one before
     * @param pause until a job is due again; none where none ever is
     */
    public record Fired(
            int dealtWith, int fired, boolean cancelsAsked, List<Duration> delays, Optional<Duration> pause) {}

    private record Done(int dealtWith, int fired, boolean cancelsAsked, List<Duration> delays, List<UUID> cancelled) {

        private static final Done NOTHING = new Done(0, 0, false, List.of(), List.of());
    }

    private final Vertx vertx;
    private final Sql sql;
    private final Endings endings;

    /** Of a node that traces nothing. */
    public JobRepository(Vertx vertx, Pool pool) {
        this(vertx, pool, Endings.NONE);
    }

    /** {@code endings}: told of runs that were cancelled to make room for others. */
    public JobRepository(Vertx vertx, Pool pool, Endings endings) {
        this.vertx = vertx;
        this.endings = endings;
        this.sql = new Sql(vertx, pool);
    }

    /**
     * Takes jobs that are due, the longest first, and does what the planner says, all of it or nothing, but always at least
     * one. Where nothing is due, those that are due next are taken a moment before: all is done but to commit, which waits
     * for their time. Fails where {@code epoch} is not the leader's.
     *
     * @param planner answers a plan for each, in their order
     * @param runId the ids of the runs
     */
    public Future<Fired> fireDue(
            long epoch, Bite bite, Function<List<DueJob>, Future<List<Planned>>> planner, Supplier<UUID> runId) {
        return sql.transaction(transaction -> transaction
                        .preparedQuery(REQUIRE_EPOCH)
                        .execute(Tuple.of(epoch))
                        .compose(_ -> transaction
                                .preparedQuery(TAKE_DUE)
                                .execute(Tuple.of(bite.jobs(), bite.ahead().toMillis())))
                        .compose(rows -> stopOfGoneTenants(transaction, rows)
                                .compose(_ -> fire(transaction, within(bite.tasks(), inOrder(rows)), planner, runId))))
                .onSuccess(done -> done.cancelled().forEach(run -> endings.runMayBeOver(new RunId(run))))
                .compose(done -> sql.run(GET_PAUSE, Tuple.tuple())
                        .map(rows -> new Fired(
                                done.dealtWith(), done.fired(), done.cancelsAsked(), done.delays(), pause(rows))));
    }

    /** They would be the longest due for ever. */
    private static Future<?> stopOfGoneTenants(SqlConnection transaction, RowSet<Row> rows) {
        var gone = new ArrayList<UUID>();
        for (var row : rows) {
            if (row.getBoolean("is_gone")) {
                gone.add(row.getUUID("job_id"));
            }
        }
        return gone.isEmpty()
                ? Future.succeededFuture()
                : transaction.preparedQuery(STOP).execute(Tuple.tuple().addValue(gone.toArray(UUID[]::new)));
    }

    private static Optional<Duration> pause(Iterable<Row> rows) {
        for (var row : rows) {
            return Optional.of(Duration.ofMillis(row.getLong("pause")));
        }
        return Optional.empty();
    }

    private static DueJob due(Row row) {
        return new DueJob(
                new JobId(row.getUUID("job_id")),
                ScheduledJobRepository.timing(row),
                row.getBoolean("is_of_dag"),
                Rows.optionalTime(row, "due_at"),
                Rows.optionalTime(row, "held_at"),
                row.getBoolean("is_planned"),
                row.getLong("fires"),
                Optional.ofNullable(row.getUUID("running")).map(RunId::new),
                row.getInteger("task_count"),
                Rows.time(row, "created_at"),
                row.getBoolean("is_early"),
                Rows.time(row, "now"));
    }

    /** Those that are due longest first. Not asked of the server, which would read all timers to have them in order. */
    private static List<DueJob> inOrder(RowSet<Row> rows) {
        return StreamSupport.stream(rows.spliterator(), false)
                .filter(row -> !row.getBoolean("is_gone"))
                .map(JobRepository::due)
                .sorted(Comparator.comparing((DueJob job) -> job.due().orElse(Instant.MIN))
                        .thenComparing(job -> job.id().value()))
                .toList();
    }

    private static List<DueJob> within(int limit, List<DueJob> jobs) {
        var sum = 0L;
        for (var n = 0; n < jobs.size(); n++) {
            sum += jobs.get(n).weight();
            if (sum > limit && n > 0) {
                return jobs.subList(0, n);
            }
        }
        return jobs;
    }

    private Future<Done> fire(
            SqlConnection transaction,
            List<DueJob> jobs,
            Function<List<DueJob>, Future<List<Planned>>> planner,
            Supplier<UUID> runId) {
        if (jobs.isEmpty()) {
            return Future.succeededFuture(Done.NOTHING);
        }
        return planner.apply(jobs).compose(plans -> carryOut(transaction, jobs, plans, runId));
    }

    private Future<Done> carryOut(
            SqlConnection transaction, List<DueJob> jobs, List<Planned> plans, Supplier<UUID> runId) {
        var firing = new Columns();
        var failing = new ArrayList<UUID>();
        var reasons = new ArrayList<String>();
        for (var n = 0; n < jobs.size(); n++) {
            switch (plans.get(n)) {
                case Planned.Plan(var plan) -> firing.add(jobs.get(n), plan, runId);
                case Planned.Failed(var reason) -> {
                    failing.add(jobs.get(n).id().value());
                    reasons.add(Texts.clean(reason));
                }
                case Planned.NotYet() -> {}
            }
        }
        var failed = failing.isEmpty()
                ? Future.succeededFuture()
                : transaction
                        .preparedQuery(FAIL)
                        .execute(Tuple.tuple()
                                .addValue(failing.toArray(UUID[]::new))
                                .addValue(reasons.toArray(String[]::new)));
        var dealtWith = failing.size() + firing.jobs.size();
        return failed.compose(_ -> firing.jobs.isEmpty()
                ? Future.succeededFuture(new Done(dealtWith, 0, false, List.of(), List.of()))
                : transaction
                        .preparedQuery(FIRE)
                        .execute(firing.parameters(jobs.getFirst().now()))
                        .map(rows -> rows.iterator().next())
                        .compose(row -> untilDue(row.getLong("early")).map(done(dealtWith, row, firing))));
    }

    /** By this node's timer: the database's clock, if it was put back now, would have us wait for it. */
    private Future<?> untilDue(long millis) {
        return millis > 0 ? vertx.timer(millis, TimeUnit.MILLISECONDS) : Future.succeededFuture();
    }

    private static Done done(int dealtWith, Row row, Columns firing) {
        var nodes = row.getArrayOfUUIDs("nodes");
        return new Done(
                dealtWith,
                row.getInteger("fired"),
                nodes != null && nodes.length > 0,
                firing.delays(Rows.time(row, "fired_at")),
                firing.cancelling);
    }

    /** The parameters of {@link #FIRE}. */
    private static final class Columns {

        private final List<UUID> jobs = new ArrayList<>();
        private final List<Optional<Instant>> nexts = new ArrayList<>();
        private final List<Optional<Instant>> helds = new ArrayList<>();
        private final List<UUID> firing = new ArrayList<>();
        private final List<Instant> dues = new ArrayList<>();
        private final List<Instant> kept = new ArrayList<>();
        private final List<UUID> runs = new ArrayList<>();
        private final List<UUID> cancelling = new ArrayList<>();
        private final List<UUID> skipping = new ArrayList<>();
        private final List<FirePlan.Skip> skips = new ArrayList<>();

        void add(DueJob job, FirePlan plan, Supplier<UUID> runId) {
            var id = job.id().value();
            jobs.add(id);
            nexts.add(plan.next());
            helds.add(plan.held());
            plan.fires().forEach(due -> {
                firing.add(id);
                dues.add(due);
                if (!job.held().equals(Optional.of(due))) {
                    kept.add(due);
                }
                runs.add(runId.get());
            });
            if (plan.cancelsPrevious()) {
                job.running().ifPresent(run -> cancelling.add(run.value()));
            }
            plan.skips().forEach(skip -> {
                skipping.add(id);
                skips.add(skip);
            });
        }

        /** How late those are that were to wait for nothing but their time. */
        List<Duration> delays(Instant firedAt) {
            return kept.stream()
                    .map(due -> due.isAfter(firedAt) ? Duration.ZERO : Duration.between(due, firedAt))
                    .toList();
        }

        Tuple parameters(Instant dueAt) {
            return Tuple.tuple()
                    .addValue(ids(jobs))
                    .addValue(optionalTimes(nexts))
                    .addValue(optionalTimes(helds))
                    .addValue(ids(firing))
                    .addValue(times(dues))
                    .addValue(ids(runs))
                    .addValue(ids(cancelling))
                    .addValue(ids(skipping))
                    .addValue(times(skips.stream().map(FirePlan.Skip::first).toList()))
                    .addValue(times(skips.stream().map(FirePlan.Skip::last).toList()))
                    .addValue(skips.stream().map(skip -> count(skip.count())).toArray(Integer[]::new))
                    .addValue(
                            skips.stream().map(skip -> skip.reason().wireName()).toArray(String[]::new))
                    .addValue(dueAt.atOffset(ZoneOffset.UTC));
        }

        private static UUID[] ids(List<UUID> ids) {
            return ids.toArray(UUID[]::new);
        }

        private static OffsetDateTime[] times(List<Instant> times) {
            return optionalTimes(times.stream().map(Optional::of).toList());
        }

        private static OffsetDateTime[] optionalTimes(List<Optional<Instant>> times) {
            return times.stream()
                    .map(time -> time.map(instant -> instant.atOffset(ZoneOffset.UTC))
                            .orElse(null))
                    .toArray(OffsetDateTime[]::new);
        }

        private static @Nullable Integer count(OptionalInt count) {
            return count.isPresent() ? count.getAsInt() : null;
        }
    }
}
