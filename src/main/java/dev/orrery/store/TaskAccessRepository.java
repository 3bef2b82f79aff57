package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Tuple;
import java.util.Collection;
import java.util.Optional;
import java.util.UUID;

/** What is to be known before a running task is let in: what tokens are signed with, whether it runs, and what is below it. */
public final class TaskAccessRepository {

    static final String SECRET = "SELECT s.secret FROM task_token_secret s";

    /** A node that was given up may not have been told yet: what it holds is taken back in a moment. */
    // language=PostgreSQL
    static final String HOLDER = """
            SELECT t.id, t.name
            FROM claim_batches b
            JOIN nodes n ON n.id = b.node_id AND n.fenced_at IS NULL
            JOIN task_instances i ON i.id = $1
            JOIN tenants t ON t.id = i.tenant_id AND t.deleted_at IS NULL
            WHERE b.fence = $2 AND $1 = ANY (b.ids)
              AND NOT EXISTS (
                  SELECT FROM task_attempts a
                  WHERE a.task_id = $1 AND a.attempt = b.attempts[array_position(b.ids, $1)] AND a.outcome IS NOT NULL)
              AND NOT EXISTS (SELECT FROM cancel_requests q WHERE q.task_id = $1)
            """;

    /** Parents are there before their children, so there is no circle; deeper down than this nobody looks. */
    // language=PostgreSQL
    static final String STRANGER = """
            SELECT u.id
            FROM unnest($3::uuid[]) u(id)
            WHERE NOT EXISTS (
                WITH RECURSIVE above(id, level) AS (
                    SELECT i.parent_id, 1 FROM task_instances i
                    WHERE i.id = u.id AND i.tenant_id = $1 AND i.parent_id IS NOT NULL
                    UNION ALL
                    SELECT i.parent_id, a.level + 1 FROM above a JOIN task_instances i ON i.id = a.id
                    WHERE a.id <> $2 AND a.level < 1000 AND i.parent_id IS NOT NULL
                )
                SELECT FROM above a WHERE a.id = $2)
            LIMIT 1
            """;

    private final Sql sql;

    public TaskAccessRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /** What the tokens of running tasks are signed with. */
    public Future<byte[]> secret() {
        return sql.run(SECRET, Tuple.tuple())
                .map(rows -> rows.iterator().next().getBuffer("secret").getBytes());
    }

    /** Whose the task is, where an attempt at it runs under this fence and was not asked to end; else nothing. */
    public Future<Optional<Tenant>> holder(TaskInstanceId task, long fence) {
        return sql.run(HOLDER, Tuple.of(task.value(), fence))
                .map(rows ->
                        Rows.first(rows, row -> new Tenant(new TenantId(row.getInteger("id")), row.getString("name"))));
    }

    /** One of these that is not below a task, if there is any: an unknown one, for one. */
    public Future<Optional<TaskInstanceId>> stranger(
            TenantId tenant, TaskInstanceId ancestor, Collection<TaskInstanceId> tasks) {
        var ids = tasks.stream().map(TaskInstanceId::value).toArray(UUID[]::new);
        return sql.run(STRANGER, Tuple.of(tenant.value(), ancestor.value(), ids))
                .map(rows -> Rows.first(rows, row -> new TaskInstanceId(row.getUUID("id"))));
    }
}
