package dev.orrery.store;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.LockName;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TenantId;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Reads the named locks. Taken and freed they are by what moves tasks: see {@code R__locks.sql}. */
public final class LockRepository {

    // Who holds it is a run, or a task, whose run is told by its id.
    // language=PostgreSQL
    static final String LIST_LOCKS = """
            SELECT l.name, l.fence, l.taken_at, r.id AS run_id, i.task_id, d.name AS dag_name,
                   (SELECT count(*) FROM lock_waits w WHERE w.lock_id = l.id) AS waiting
            FROM locks l
            LEFT JOIN dag_runs r ON r.id = run_of(l.holder)
            LEFT JOIN dags d ON d.id = r.dag_id
            LEFT JOIN task_instances i ON i.id = l.holder
            WHERE l.tenant_id = $1 AND l.name > $2
            ORDER BY l.name
            LIMIT $3
            """;

    private final Sql sql;

    public LockRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * A lock that some DAG named once.
     *
     * @param fence how often it was taken; the number that its holder was given
     * @param holder absent while it is free
     * @param waiting how many tasks came to be claimed and had to wait for it
     */
    public record StoredLock(LockName name, long fence, Optional<Holder> holder, long waiting) {}

    /**
     * Who has a lock.
     *
     * @param task the task that holds it for an attempt; absent where the whole run does
     */
    public record Holder(RunId run, String dagName, Optional<TaskId> task, Instant since) {

        public Holder {
            requireNonNull(task, "task");
        }
    }

    /** Locks by name, those that come behind {@code after}; an empty text is before all. */
    public Future<List<StoredLock>> list(TenantId tenant, String after, int limit) {
        return sql.run(LIST_LOCKS, Tuple.of(tenant.value(), after, limit))
                .map(rows -> Rows.list(rows, LockRepository::lock));
    }

    private static StoredLock lock(Row row) {
        var run = Optional.ofNullable(row.getUUID("run_id")).map(RunId::new);
        return new StoredLock(
                new LockName(row.getString("name")),
                row.getLong("fence"),
                run.map(id -> new Holder(
                        id,
                        row.getString("dag_name"),
                        Optional.ofNullable(row.getString("task_id")).map(TaskId::new),
                        Rows.time(row, "taken_at"))),
                row.getLong("waiting"));
    }
}
