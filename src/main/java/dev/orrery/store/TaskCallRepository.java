package dev.orrery.store;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.domain.task.DependencyType;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is done to single tasks that are there; the functions that it calls are in {@code R__task_calls.sql}. A key makes a
 * call repeatable: told again it changes nothing, and with another request it fails with {@code CONFLICT}. Failures tell
 * why: {@code TASK_NOT_FOUND} where the tenant has no such task, the other codes as each method says.
 */
public final class TaskCallRepository {

    // language=PostgreSQL
    static final String CANCEL = "SELECT verdict, nodes, queues FROM cancel_task($1, $2, $3, $4, $5)";

    // language=PostgreSQL
    static final String CONTINUE = "SELECT went_on, nodes, queues FROM continue_cascades()";

    // language=PostgreSQL
    static final String RETRY = "SELECT verdict, other, queues FROM retry_task($1, $2, $3, $4, $5)";

    // language=PostgreSQL
    static final String INSERT_DEPENDENCY = "SELECT insert_dependency($1, $2, $3, $4, $5, $6, $7, $8, $9) AS verdict";

    // language=PostgreSQL
    static final String RESOLVE_DEPENDENCY = "SELECT resolved, queues FROM resolve_dependency($1, $2, $3)";

    // language=PostgreSQL
    static final String SNOOZE = "SELECT verdict, due_in_ms FROM snooze_task($1, $2, $3, $4, $5, $6, $7)";

    private final Sql sql;
    private final SingleTaskRepository.Limits limits;

    /** {@code pool}: connections with the settings of the hot path, see {@link Pools}. */
    public TaskCallRepository(Vertx vertx, Pool pool, SingleTaskRepository.Limits limits) {
        this.sql = new Sql(vertx, pool);
        this.limits = limits;
    }

    private TaskCallRepository(Sql sql, SingleTaskRepository.Limits limits) {
        this.sql = sql;
        this.limits = limits;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public TaskCallRepository by(ChangeRequest request) {
        return new TaskCallRepository(sql.by(request), limits);
    }

    /**
     * What a call did to others.
     *
     * @param nodes who holds what is to end and could not at once
     * @param readyQueues where tasks became ready by it
     */
    public record Effects(List<NodeId> nodes, List<String> readyQueues) {

        static final Effects NONE = new Effects(List.of(), List.of());
    }

    /**
     * Cancels a task with all that is below it and all that waits for any of these. What runs is asked to end, and what one
     * transaction can not reach is cancelled by {@link #continueCascades}. Nothing fails where it has ended.
     */
    public Future<Effects> cancel(TenantId tenant, TaskInstanceId id, Optional<NewRun.Key> key) {
        return sql.change(taskOf(tenant, id), CANCEL, keyed(Tuple.of(tenant.value(), id.value()), key))
                .map(rows -> {
                    var row = rows.iterator().next();
                    return switch (row.getString("verdict")) {
                        case "done" -> effects(row);
                        case "repeated" -> Effects.NONE;
                        case String verdict -> throw refused(verdict, id, null);
                    };
                });
    }

    /** Goes on with one cascade that was too long for a transaction; empty where there is none. */
    public Future<Optional<Effects>> continueCascades() {
        return sql.run(CONTINUE, Tuple.tuple()).map(rows -> {
            var row = rows.iterator().next();
            return row.getBoolean("went_on") ? Optional.of(effects(row)) : Optional.empty();
        });
    }

    /**
     * Lets a task that ended badly be tried again, and revives what was cancelled because of it. Fails with {@code CONFLICT}
     * where it has not ended, or has succeeded, or waits for one that ended badly itself, and with {@code UNIQUE_KEY_TAKEN}.
     */
    public Future<Effects> retry(TenantId tenant, TaskInstanceId id, Optional<NewRun.Key> key) {
        return sql.change(taskOf(tenant, id), RETRY, keyed(Tuple.of(tenant.value(), id.value()), key))
                .map(rows -> {
                    var row = rows.iterator().next();
                    return switch (row.getString("verdict")) {
                        case "retried" -> new Effects(List.of(), texts(row));
                        case "repeated" -> Effects.NONE;
                        case String verdict -> throw refused(verdict, id, row.getUUID("other"));
                    };
                });
    }

    /**
     * Lets a task that has not begun wait for another one. Fails with the codes of a submission that is refused, with {@code
     * DEPENDENCY_DUPLICATE}, and with {@code CONFLICT} where the task has begun or ended, or the other one ended badly.
     */
    public Future<Void> insertTaskDependency(
            TenantId tenant,
            TaskInstanceId dependent,
            TaskInstanceId prerequisite,
            DependencyType type,
            Optional<NewRun.Key> key) {
        var parameters = Tuple.of(
                tenant.value(),
                dependent.value(),
                prerequisite.value(),
                type.wireName(),
                limits.dependencies(),
                limits.depth());
        return sql.change(taskOf(tenant, dependent), INSERT_DEPENDENCY, keyed(parameters, key))
                .map(rows -> {
                    var verdict = rows.iterator().next().getString("verdict");
                    if (!verdict.equals("added") && !verdict.equals("repeated")) {
                        throw refused(verdict, dependent, prerequisite.value());
                    }
                    return null;
                });
    }

    /** Counts a prerequisite as met, whatever became of it; false where there is no such edge, or it was met already. */
    public Future<Boolean> resolveDependency(TenantId tenant, TaskInstanceId dependent, TaskInstanceId prerequisite) {
        return sql.run(RESOLVE_DEPENDENCY, Tuple.of(tenant.value(), dependent.value(), prerequisite.value()))
                .map(rows -> rows.iterator().next().getBoolean("resolved"));
    }

    /** Puts a task that has not begun off until a time; fails with {@code CONFLICT} where it has begun or ended. */
    public Future<Void> snoozeUntil(TenantId tenant, TaskInstanceId id, Instant until, Optional<NewRun.Key> key) {
        return snooze(tenant, Tuple.of(tenant.value(), id.value(), until.atOffset(ZoneOffset.UTC), null), id, key);
    }

    /** As {@link #snoozeUntil}, by a time from now on. */
    public Future<Void> snoozeFor(TenantId tenant, TaskInstanceId id, Duration time, Optional<NewRun.Key> key) {
        return snooze(tenant, Tuple.of(tenant.value(), id.value(), null, time.toMillis()), id, key);
    }

    private Future<Void> snooze(TenantId tenant, Tuple parameters, TaskInstanceId id, Optional<NewRun.Key> key) {
        return sql.change(taskOf(tenant, id), SNOOZE, keyed(parameters, key)).map(rows -> {
            var verdict = rows.iterator().next().getString("verdict");
            if (!verdict.equals("snoozed") && !verdict.equals("repeated")) {
                throw refused(verdict, id, null);
            }
            return null;
        });
    }

    private static Resource taskOf(TenantId tenant, TaskInstanceId id) {
        return Resource.of(Kind.TASK, tenant, id);
    }

    private OrreryException refused(String verdict, TaskInstanceId id, @Nullable UUID other) {
        return switch (verdict) {
            case "unknown" -> new OrreryException(ErrorCode.TASK_NOT_FOUND, "there is no task " + id);
            case "conflict" -> IdempotencyRepository.keyTaken();
            case "open" -> conflict("task " + id + " has not ended, so it can not be retried");
            case "succeeded" -> conflict("task " + id + " has succeeded, so it can not be retried");
            case "prerequisite" ->
                conflict("task " + id + " waits for task " + other + ", which did not succeed; retry that one");
            case "key_taken" ->
                new OrreryException(
                        ErrorCode.UNIQUE_KEY_TAKEN,
                        "task " + other + ", which has not ended, has the unique key of task " + id);
            case "begun" -> conflict("task " + id + " has begun");
            case "ended" -> conflict("task " + id + " has ended");
            case "ended_badly" -> conflict("task " + other + " did not succeed, so nothing can come to wait for it");
            case "self_dependency" ->
                new OrreryException(ErrorCode.DEPENDENCY_CYCLE, "task " + id + " can not wait for itself");
            case "unknown_prerequisite" ->
                new OrreryException(ErrorCode.DEPENDENCY_NOT_FOUND, "there is no task " + other + " to wait for");
            case "duplicate" ->
                new OrreryException(
                        ErrorCode.DEPENDENCY_DUPLICATE, "task " + id + " waits for task " + other + " already");
            case "cycle" ->
                new OrreryException(
                        ErrorCode.DEPENDENCY_CYCLE,
                        "task " + other + " waits for task " + id + ", perhaps over others");
            case "too_many_dependencies" ->
                new OrreryException(
                        ErrorCode.TOO_MANY_DEPENDENCIES,
                        "task " + id + " waits for " + limits.dependencies() + " tasks already");
            case "too_deep" ->
                new OrreryException(
                        ErrorCode.DEPENDENCY_TOO_DEEP,
                        "task " + id + ", or one that waits for it, would stand more than " + limits.depth()
                                + " tasks deep, or too many tasks would have to be moved");
            default -> throw new IllegalStateException("a call to task " + id + " was answered by " + verdict);
        };
    }

    private static OrreryException conflict(String message) {
        return new OrreryException(ErrorCode.CONFLICT, message);
    }

    private static Tuple keyed(Tuple parameters, Optional<NewRun.Key> key) {
        return parameters
                .addValue(key.map(NewRun.Key::operation).orElse(null))
                .addValue(key.map(NewRun.Key::key).orElse(null))
                .addValue(key.map(NewRun.Key::requestHash).orElse(null));
    }

    private static Effects effects(Row row) {
        return new Effects(list(row.getArrayOfUUIDs("nodes"), NodeId::new), texts(row));
    }

    private static List<String> texts(Row row) {
        return list(row.getArrayOfStrings("queues"), Function.identity());
    }

    private static <A, B> List<B> list(A @Nullable [] values, Function<A, B> each) {
        return values == null ? List.of() : Arrays.stream(values).map(each).toList();
    }
}
