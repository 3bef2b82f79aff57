package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.domain.task.TaskState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** How many single tasks there are, how long they wait and how fast they end. Every count is bounded. */
public final class TaskCountsRepository {

    // language=PostgreSQL
    static final String COUNT_ACTIVE = """
            WITH active AS MATERIALIZED (
                SELECT * FROM active_tasks($2)
            ), counted AS (
                SELECT i.queue, a.state, i.own_priority, count(*)::int AS count,
                       (extract(epoch FROM clock_timestamp() - min(a.since)))::float8 AS oldest_seconds
                FROM active a
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN NOT starts_with(x.queue, 'agent/') THEN x.queue END AS queue, x.own_priority
                    FROM task_instances x WHERE x.id = a.id AND x.tenant_id = $1 OFFSET 0) i
                GROUP BY i.queue, a.state, i.own_priority
            )
            SELECT c.queue, c.state, c.own_priority, c.count, c.oldest_seconds, m.most
            FROM (SELECT coalesce(max(k.count), 0) AS most
                  FROM (SELECT count(*)::int AS count FROM active x GROUP BY x.kind) k) m
            LEFT JOIN counted c ON true
            ORDER BY c.queue, c.state, c.own_priority DESC
            """;

    // language=PostgreSQL
    static final String COUNT_THROUGHPUT = """
            WITH newest AS MATERIALIZED (
                SELECT i.created_at, a.finished_at, a.state
                FROM (SELECT x.id, x.created_at FROM task_instances x
                      WHERE x.tenant_id = $1 AND x.source IS NOT NULL ORDER BY x.id DESC LIMIT $3) i
                LEFT JOIN LATERAL (
                    SELECT x.state, x.finished_at FROM task_attempts x WHERE x.task_id = i.id ORDER BY x.attempt DESC LIMIT 1
                ) a ON a.state >= 'succeeded'
            )
            SELECT w.seconds,
                   (count(*) FILTER (WHERE n.created_at > w.from_time))::int AS submitted,
                   (count(*) FILTER (WHERE n.finished_at > w.from_time AND n.state = 'succeeded'))::int AS completed,
                   (count(*) FILTER (WHERE n.finished_at > w.from_time AND n.state IN ('failed', 'timed_out')))::int AS failed,
                   (count(*) FILTER (WHERE n.finished_at > w.from_time AND n.state IN ('cancelled', 'skipped')))::int
                       AS cancelled,
                   (SELECT count(*) FROM newest) < $3 AS is_complete
            FROM (SELECT u.seconds, clock_timestamp() - u.seconds * interval '1 second' AS from_time
                  FROM unnest($2::int[]) u(seconds)) w
            LEFT JOIN newest n ON true
            GROUP BY w.seconds
            ORDER BY w.seconds
            """;

    // language=PostgreSQL
    static final String COUNT_SUBMITTED_TOGETHER = """
            SELECT s.state, count(*)::int AS count
            FROM (SELECT x.id FROM task_instances x
                  WHERE x.id BETWEEN $2 AND $3 AND x.tenant_id = $1 AND x.source IS NOT NULL) i
            CROSS JOIN LATERAL (SELECT v.state FROM single_tasks v WHERE v.id = i.id OFFSET 0) s
            GROUP BY s.state
            """;

    /** How many tasks a submission has at most. */
    private static final int SUBMITTED_MAX = 10_000;

    private static final int COUNTED_TASKS = 100_000;
    private static final Integer[] WINDOWS = {60, 300, 3_600};

    private final Sql sql;

    public TaskCountsRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** What there is to do. */
    public record Stats(List<Depth> depths, List<Throughput> throughput, boolean isComplete) {}

    /** How many tasks stand like this; {@code oldestSeconds} is how long the first of them is ready. */
    public record Depth(
            Optional<String> queue, SubmittedState state, int priority, int count, OptionalDouble oldestSeconds) {}

    /**
     * What came and what ended in the last so many seconds.
     *
     * @param isComplete false where only the newest tasks were looked at, so that some that ended are perhaps missing
     */
    public record Throughput(
            int windowSeconds, int submitted, int completed, int failed, int cancelled, boolean isComplete) {}

    public Future<Stats> stats(TenantId tenant) {
        return sql.run(COUNT_ACTIVE, Tuple.of(tenant.value(), COUNTED_TASKS))
                .compose(active -> sql.run(
                                COUNT_THROUGHPUT,
                                Tuple.of(tenant.value()).addValue(WINDOWS).addInteger(COUNTED_TASKS))
                        .map(ended -> new Stats(
                                Rows.list(active, row -> row).stream()
                                        .filter(row -> row.getString("state") != null)
                                        .map(TaskCountsRepository::depth)
                                        .toList(),
                                Rows.list(ended, TaskCountsRepository::throughput),
                                Rows.list(active, row -> row.getInteger("most")).stream()
                                        .noneMatch(most -> most >= COUNTED_TASKS))));
    }

    private static Depth depth(Row row) {
        var oldest = row.getDouble("oldest_seconds");
        return new Depth(
                Optional.ofNullable(row.getString("queue")),
                SubmittedState.ofWireName(row.getString("state")),
                row.getShort("own_priority"),
                row.getInteger("count"),
                oldest == null ? OptionalDouble.empty() : OptionalDouble.of(Math.max(0, oldest)));
    }

    private static Throughput throughput(Row row) {
        return new Throughput(
                row.getInteger("seconds"),
                row.getInteger("submitted"),
                row.getInteger("completed"),
                row.getInteger("failed"),
                row.getInteger("cancelled"),
                row.getBoolean("is_complete"));
    }

    /** How many of the tasks that were submitted together with this one stand how; empty where there is none. */
    public Future<Map<SubmittedState, Integer>> submittedWith(TenantId tenant, TaskInstanceId task) {
        var first = TaskInstanceId.single(task.submission(), 1);
        var last = TaskInstanceId.single(task.submission(), SUBMITTED_MAX);
        return sql.run(COUNT_SUBMITTED_TOGETHER, Tuple.of(tenant.value(), first.value(), last.value()))
                .map(rows -> {
                    Map<SubmittedState, Integer> counts = new EnumMap<>(SubmittedState.class);
                    rows.forEach(row -> counts.merge(
                            SubmittedState.of(TaskState.ofWireName(row.getString("state"))),
                            row.getInteger("count"),
                            Integer::sum));
                    return counts;
                });
    }
}
