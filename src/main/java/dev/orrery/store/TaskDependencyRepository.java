package dev.orrery.store;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.SubmittedState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What single tasks wait for and what waits for them, as people ask for it. Every list and every count is bounded. */
public final class TaskDependencyRepository {

    // An edge to what was cancelled stays unresolved, for it may be revived; but nothing waits there.
    // language=PostgreSQL
    private static final String IS_OPEN =
            "x.resolved_at IS NULL AND EXISTS (SELECT FROM task_wait w WHERE w.id = x.dependent_id OFFSET 0)";

    // language=PostgreSQL
    static final String LIST_DEPENDENCIES = """
            SELECT d.id AS edge_id, d.dependent_id, d.prerequisite_id, d.dependency_type, d.created_at, d.resolved_at,
                   s.id, s.name, s.state
            FROM (SELECT x.* FROM task_dependencies x
                  WHERE x.dependent_id = $1 AND (NOT $2 OR (%s))
                  ORDER BY x.id LIMIT $3) d
            CROSS JOIN LATERAL (SELECT v.id, v.name, v.state FROM single_tasks v WHERE v.id = d.prerequisite_id OFFSET 0) s
            ORDER BY d.id
            """.formatted(IS_OPEN);

    // language=PostgreSQL
    static final String LIST_DEPENDENTS = """
            SELECT d.id AS edge_id, d.dependent_id, d.prerequisite_id, d.dependency_type, d.created_at, d.resolved_at,
                   s.id, s.name, s.state
            FROM (SELECT x.* FROM task_dependencies x
                  WHERE x.prerequisite_id = $1 AND (NOT $2 OR (%s))
                  LIMIT $3) d
            CROSS JOIN LATERAL (SELECT v.id, v.name, v.state FROM single_tasks v WHERE v.id = d.dependent_id OFFSET 0) s
            ORDER BY d.id
            """.formatted(IS_OPEN);

    // language=PostgreSQL
    static final String COUNT_DEPENDENCIES = """
            SELECT (SELECT count(*)::int FROM task_dependencies x WHERE x.dependent_id = $1 AND %s) AS open_prerequisites,
                   (SELECT count(*)::int FROM (SELECT FROM task_dependencies x
                        WHERE x.prerequisite_id = $1 AND %s LIMIT $2) c) AS open_dependents,
                   (SELECT count(*)::int FROM (SELECT FROM task_dependencies x
                        WHERE x.prerequisite_id = $1 LIMIT $2) c) AS dependents
            """.formatted(IS_OPEN, IS_OPEN);

    private static final int COUNTED_DEPENDENTS = 10_000;

    private final Sql sql;

    public TaskDependencyRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * That one task waits for another.
     *
     * @param other the task on the other side
     */
    public record Dependency(
            long id,
            TaskInstanceId dependent,
            TaskInstanceId prerequisite,
            DependencyType type,
            Instant createdAt,
            Optional<Instant> resolvedAt,
            Related other) {}

    /** A task in short. */
    public record Related(TaskInstanceId id, String name, SubmittedState state) {}

    /** What a task waits for, the oldest first; with {@code open} only what it still waits for. */
    public Future<List<Dependency>> getTaskDependencies(TaskInstanceId dependent, boolean open, int limit) {
        return sql.run(LIST_DEPENDENCIES, Tuple.of(dependent.value(), open, limit))
                .map(rows -> Rows.list(rows, TaskDependencyRepository::dependency));
    }

    /** What waits for a task; with {@code open} only what still does. */
    public Future<List<Dependency>> dependents(TaskInstanceId prerequisite, boolean open, int limit) {
        return sql.run(LIST_DEPENDENTS, Tuple.of(prerequisite.value(), open, limit))
                .map(rows -> Rows.list(rows, TaskDependencyRepository::dependency));
    }

    /** How many edges a task has; of those to it at most 10,000 are counted. */
    public record Counts(int openPrerequisites, int openDependents, int dependents) {}

    public Future<Counts> count(TaskInstanceId task) {
        return sql.run(COUNT_DEPENDENCIES, Tuple.of(task.value(), COUNTED_DEPENDENTS))
                .map(rows -> {
                    var row = rows.iterator().next();
                    return new Counts(
                            row.getInteger("open_prerequisites"),
                            row.getInteger("open_dependents"),
                            row.getInteger("dependents"));
                });
    }

    private static Dependency dependency(Row row) {
        return new Dependency(
                row.getLong("edge_id"),
                new TaskInstanceId(row.getUUID("dependent_id")),
                new TaskInstanceId(row.getUUID("prerequisite_id")),
                DependencyType.ofWireName(row.getString("dependency_type")),
                Rows.time(row, "created_at"),
                Rows.optionalTime(row, "resolved_at"),
                new Related(
                        new TaskInstanceId(row.getUUID("id")), row.getString("name"), TaskQueueRepository.state(row)));
    }
}
