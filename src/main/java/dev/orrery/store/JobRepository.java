package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.job.FirePlan;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;

/** Jobs: what is due, and its firing in one transaction under the leader's epoch. */
public final class JobRepository {

    // The epoch is held until the transaction ends, and the next leader has to wait for it: a leader that is cut off in
    // the middle must not keep it.
    // language=PostgreSQL
    static final String REQUIRE_EPOCH =
            "SELECT set_config('idle_in_transaction_session_timeout', '2000', true), require_epoch($1)";

    // Skips what someone holds: a DAG that is just being published or deleted is taken the next time. By ctid: a LIMIT
    // that is a parameter is planned as a tenth of the table.
    // language=PostgreSQL
    static final String TAKE_DUE = """
            SELECT t.job_id, t.due_at, t.is_planned, j.schedule, j.timezone, d.id AS dag_id, d.task_count,
                   statement_timestamp() AS now,
                   EXISTS (SELECT FROM dag_runs r WHERE r.id = t.last_execution AND r.state < 'succeeded') AS is_running
            FROM (SELECT s.ctid FROM job_timers s
                  WHERE s.due_at <= statement_timestamp() AND NOT s.is_paused
                  ORDER BY s.due_at LIMIT $1) due
            JOIN job_timers t ON t.ctid = due.ctid
            JOIN jobs j ON j.id = t.job_id
            JOIN dags d ON d.id = j.dag_id AND d.deleted_at IS NULL
            WHERE t.due_at <= statement_timestamp() AND NOT t.is_paused
            ORDER BY t.due_at, t.job_id
            FOR KEY SHARE OF d SKIP LOCKED
            FOR UPDATE OF t SKIP LOCKED
            """;

    // language=PostgreSQL
    static final String FIRE = "SELECT fire_jobs($1, $2, $3, $4, $5, $6, $7, $8, $9) AS fired";

    // language=PostgreSQL
    static final String FAIL = """
            WITH failed AS (
                UPDATE jobs j SET status = 'failed', error = f.error
                FROM unnest($1::uuid[], $2::text[]) f(job, error)
                WHERE j.id = f.job
                RETURNING j.id
            )
            UPDATE job_timers t SET due_at = 'infinity' FROM failed f WHERE t.job_id = f.id
            """;

    // language=PostgreSQL
    static final String GET_PAUSE = """
            SELECT least(3600000, greatest(0, ceil(extract(epoch FROM t.due_at - clock_timestamp()) * 1000)))::bigint AS pause
            FROM job_timers t WHERE NOT t.is_paused AND t.due_at < 'infinity' ORDER BY t.due_at LIMIT 1
            """;

    /**
     * A job that is due, by the database's clock.
     *
     * @param isPlanned false where it was only registered so far, and {@code due} says when
     * @param isRunning whether its last execution has not ended
     */
    public record DueJob(
            UUID id,
            Instant due,
            boolean isPlanned,
            String schedule,
            String timezone,
            DagId dag,
            int tasks,
            Instant now,
            boolean isRunning) {}

    /** What a plan may come to. */
    public sealed interface Planned {

        record Plan(FirePlan plan) implements Planned {}

        /** The job fires no more: {@code reason} is kept with it. */
        record Failed(String reason) implements Planned {}
    }

    /** {@code fired}: how many runs were created; {@code pause}: until a job is due again, none where none ever is. */
    public record Fired(int fired, Optional<Duration> pause) {}

    private final Sql sql;

    public JobRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * Takes jobs that are due, the longest first, and does what the planner says, all of it or nothing. At most {@code jobs}
     * of them, and no more than make {@code tasks} tasks, but at least one. Fails where {@code epoch} is not the leader's.
     *
     * @param planner answers a plan for each, in their order
     * @param runId the ids of the runs
     */
    public Future<Fired> fireDue(
            long epoch,
            int jobs,
            int tasks,
            Function<List<DueJob>, Future<List<Planned>>> planner,
            Supplier<UUID> runId) {
        return sql.transaction(transaction -> transaction
                        .preparedQuery(REQUIRE_EPOCH)
                        .execute(Tuple.of(epoch))
                        .compose(_ -> transaction.preparedQuery(TAKE_DUE).execute(Tuple.of(jobs)))
                        .compose(rows ->
                                fire(transaction, within(tasks, Sql.list(rows, JobRepository::due)), planner, runId)))
                .compose(fired -> sql.run(GET_PAUSE, Tuple.tuple()).map(rows -> new Fired(fired, pause(rows))));
    }

    private static Optional<Duration> pause(Iterable<Row> rows) {
        for (var row : rows) {
            return Optional.of(Duration.ofMillis(row.getLong("pause")));
        }
        return Optional.empty();
    }

    private static DueJob due(Row row) {
        return new DueJob(
                row.getUUID("job_id"),
                row.getOffsetDateTime("due_at").toInstant(),
                row.getBoolean("is_planned"),
                row.getString("schedule"),
                row.getString("timezone"),
                new DagId(row.getUUID("dag_id")),
                row.getInteger("task_count"),
                row.getOffsetDateTime("now").toInstant(),
                row.getBoolean("is_running"));
    }

    private static List<DueJob> within(int limit, List<DueJob> jobs) {
        var sum = 0L;
        for (var n = 0; n < jobs.size(); n++) {
            sum += jobs.get(n).tasks();
            if (sum > limit && n > 0) {
                return jobs.subList(0, n);
            }
        }
        return jobs;
    }

    private static Future<Integer> fire(
            SqlConnection transaction,
            List<DueJob> jobs,
            Function<List<DueJob>, Future<List<Planned>>> planner,
            Supplier<UUID> runId) {
        if (jobs.isEmpty()) {
            return Future.succeededFuture(0);
        }
        return planner.apply(jobs).compose(plans -> carryOut(transaction, jobs, plans, runId));
    }

    private static Future<Integer> carryOut(
            SqlConnection transaction, List<DueJob> jobs, List<Planned> plans, Supplier<UUID> runId) {
        var firing = new Columns();
        var failing = new ArrayList<UUID>();
        var reasons = new ArrayList<String>();
        for (var n = 0; n < jobs.size(); n++) {
            switch (plans.get(n)) {
                case Planned.Plan(var plan) -> firing.add(jobs.get(n), plan, runId);
                case Planned.Failed(var reason) -> {
                    failing.add(jobs.get(n).id());
                    reasons.add(Texts.clean(reason));
                }
            }
        }
        var failed = failing.isEmpty()
                ? Future.succeededFuture()
                : transaction
                        .preparedQuery(FAIL)
                        .execute(Tuple.tuple()
                                .addValue(failing.toArray(UUID[]::new))
                                .addValue(reasons.toArray(String[]::new)));
        return failed.compose(_ -> firing.jobs.isEmpty()
                ? Future.succeededFuture(0)
                : transaction
                        .preparedQuery(FIRE)
                        .execute(firing.parameters())
                        .map(rows -> rows.iterator().next().getInteger("fired")));
    }

    /** The parameters of {@link #FIRE}. */
    private static final class Columns {

        private final List<UUID> jobs = new ArrayList<>();
        private final List<OffsetDateTime> dues = new ArrayList<>();
        private final List<UUID> runs = new ArrayList<>();
        private final List<OffsetDateTime> nexts = new ArrayList<>();
        private final List<UUID> skipping = new ArrayList<>();
        private final List<FirePlan.Skip> skips = new ArrayList<>();

        void add(DueJob job, FirePlan plan, Supplier<UUID> runId) {
            jobs.add(job.id());
            dues.add(plan.fire().map(Columns::time).orElse(null));
            runs.add(plan.fire().isPresent() ? runId.get() : null);
            nexts.add(plan.next().map(Columns::time).orElse(null));
            plan.skips().forEach(skip -> {
                skipping.add(job.id());
                skips.add(skip);
            });
        }

        Tuple parameters() {
            return Tuple.tuple()
                    .addValue(jobs.toArray(UUID[]::new))
                    .addValue(dues.toArray(OffsetDateTime[]::new))
                    .addValue(runs.toArray(UUID[]::new))
                    .addValue(nexts.toArray(OffsetDateTime[]::new))
                    .addValue(skipping.toArray(UUID[]::new))
                    .addValue(skips.stream().map(skip -> time(skip.first())).toArray(OffsetDateTime[]::new))
                    .addValue(skips.stream().map(skip -> time(skip.last())).toArray(OffsetDateTime[]::new))
                    .addValue(skips.stream().map(skip -> count(skip.count())).toArray(Integer[]::new))
                    .addValue(
                            skips.stream().map(skip -> skip.reason().wireName()).toArray(String[]::new));
        }

        private static OffsetDateTime time(Instant instant) {
            return instant.atOffset(ZoneOffset.UTC);
        }

        private static @org.jspecify.annotations.Nullable Integer count(OptionalInt count) {
            return count.isPresent() ? count.getAsInt() : null;
        }
    }
}
