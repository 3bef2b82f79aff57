package dev.orrery.store;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.DependencyType;
import dev.orrery.domain.task.SingleTask;
import dev.orrery.domain.task.SubmittedState;
import dev.orrery.domain.task.TaskSource;
import dev.orrery.domain.task.TaskState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Single tasks as people ask for them; {@link SingleTaskRepository} makes them. Every list is bounded. */
public final class TaskQueueRepository {

    // language=PostgreSQL
    static final String GET_SINGLE_TASK = """
            SELECT s.*, o.output::text AS output, s.definition::text AS definition_text, s.input::text AS input_text,
                   ARRAY(SELECT d.prerequisite_id FROM task_dependencies d WHERE d.dependent_id = s.id ORDER BY d.id)
                       AS dependencies
            FROM single_tasks s
            LEFT JOIN task_outputs o ON o.task_id = s.id AND o.attempt = s.attempt
            WHERE s.tenant_id = $1 AND s.id = $2
            """;

    // In the order of looked_tasks, which is that of its loop.
    // language=PostgreSQL
    static final String LIST_SINGLE_TASKS = """
            SELECT s.*, ARRAY(SELECT d.prerequisite_id FROM task_dependencies d WHERE d.dependent_id = s.id ORDER BY d.id)
                       AS dependencies
            FROM looked_tasks($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11) l(id)
            CROSS JOIN LATERAL (SELECT * FROM single_tasks v WHERE v.id = l.id AND v.tenant_id = $1 OFFSET 0) s
            WHERE ($6::text IS NULL OR s.session_id = $6)
              AND ($7::uuid IS NULL OR s.parent_id = $7)
              AND ($8::text IS NULL OR s.source = $8::text::task_source)
              AND ($9::text IS NULL OR s.created_by = $9)
              AND ($12::text IS NULL OR s.queue = $12)
              AND ($13::text IS NULL OR s.type = $13)
              AND ($14::text IS NULL OR s.tags @> ARRAY[$14::text])
              AND ($15::timestamptz IS NULL OR s.created_at >= $15)
              AND ($16::timestamptz IS NULL OR s.created_at < $16)
              AND ($17::text[] IS NULL OR s.state::text = ANY ($17))
            LIMIT $18
            """;

    // language=PostgreSQL
    static final String FIND_LAST_LOOKED = """
            SELECT l.id, l.ordinal, (SELECT i.deadline FROM task_instances i WHERE i.id = l.id) AS deadline
            FROM looked_tasks($2, $1, $3, $4, $5, $6, $7, $8, $9, $10, $11) WITH ORDINALITY l(id, ordinal)
            ORDER BY l.ordinal DESC
            LIMIT 1
            """;

    // language=PostgreSQL
    static final String READ_TREE = """
            WITH RECURSIVE tree AS (
                SELECT i.id, 0 AS level FROM task_instances i
                WHERE i.id = $2 AND i.tenant_id = $1 AND i.source IS NOT NULL
                UNION ALL
                SELECT c.id, t.level + 1
                FROM tree t
                CROSS JOIN LATERAL (
                    SELECT x.id FROM task_instances x WHERE x.parent_id = t.id AND x.tenant_id = $1
                    ORDER BY x.id LIMIT $4 OFFSET 0) c
                WHERE t.level < $3
            ), shown AS MATERIALIZED (
                SELECT t.id, t.level FROM tree t LIMIT $4
            )
            SELECT s.*, t.level,
                   ARRAY(SELECT d.prerequisite_id FROM task_dependencies d WHERE d.dependent_id = s.id ORDER BY d.id)
                       AS dependencies,
                   t.level = $3 AND EXISTS (SELECT FROM task_instances x WHERE x.parent_id = t.id) AS has_more
            FROM shown t
            CROSS JOIN LATERAL (SELECT * FROM single_tasks v WHERE v.id = t.id OFFSET 0) s
            ORDER BY t.level, s.id
            """;

    // Of those with a key that another task stood in for, the one that does.
    // language=PostgreSQL
    static final String FIND_BY_UNIQUE_KEY = "SELECT task_id FROM unique_keys WHERE tenant_id = $1 AND key = $2";

    // language=PostgreSQL
    static final String LIST_STATES = """
            SELECT s.id, s.state
            FROM unnest($2::uuid[]) u(id)
            CROSS JOIN LATERAL (
                SELECT v.id, v.state FROM single_tasks v WHERE v.id = u.id AND v.tenant_id = $1 OFFSET 0) s
            """;

    /** So many tasks a list looks at where it has to search. */
    static final int LOOKED_MAX = 5_000;

    /** How far the clocks of nodes, which make ids, and of the database may be apart. */
    private static final Duration CLOCK_SLACK = Duration.ofMinutes(2);

    private static final UUID FIRST = new UUID(0, 0);
    private static final UUID LAST = new UUID(-1, -1);

    private static final Comparator<SingleTask> NEWEST =
            Comparator.comparing((SingleTask task) -> task.id().toString()).reversed();
    private static final Comparator<SingleTask> EARLIEST_DEADLINE = Comparator.comparing(
                    (SingleTask task) -> task.deadline().orElse(Instant.MAX))
            .thenComparing(task -> task.id().toString());

    private final Sql sql;

    public TaskQueueRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * A task with all that its row tells.
     *
     * @param definition the stored form of what it does
     * @param state the engine's
     */
    public record StoredTask(
            SingleTask task,
            Json definition,
            Json input,
            Optional<Json> result,
            TaskState state,
            int attempt,
            Optional<Instant> nextAttemptAt,
            OptionalInt progress) {}

    public Future<Optional<StoredTask>> get(TenantId tenant, TaskInstanceId id) {
        return sql.run(GET_SINGLE_TASK, Tuple.of(tenant.value(), id.value()))
                .map(rows -> Rows.first(rows, TaskQueueRepository::stored));
    }

    /**
     * What a list is of; what is absent makes no difference.
     *
     * @param dueFrom the earliest deadline; with it or the next one the list has those alone that have a deadline
     * @param dueBefore what all deadlines are before
     */
    public record Filter(
            Optional<SubmittedState> state,
            Optional<String> queue,
            Optional<String> type,
            Optional<TaskSource> source,
            Optional<String> createdBy,
            Optional<String> sessionId,
            Optional<TaskInstanceId> parent,
            Optional<String> tag,
            Optional<Instant> from,
            Optional<Instant> to,
            Optional<Instant> dueFrom,
            Optional<Instant> dueBefore) {

        /** By what the tasks are looked up that are then judged. */
        private String driver() {
            if (isByDeadline()) {
                return "deadline";
            } else if (parent.isPresent()) {
                return "parent";
            } else if (sessionId.isPresent()) {
                return "session";
            } else if (source.isPresent() && createdBy.isPresent()) {
                return "creator";
            }
            return state.filter(wanted -> !wanted.isTerminal())
                    .map(SubmittedState::wireName)
                    .orElse("tenant");
        }

        private boolean isByDeadline() {
            return dueFrom.isPresent() || dueBefore.isPresent();
        }

        private Place place(TaskInstanceId id, Optional<Instant> deadline) {
            return new Place(id, isByDeadline() ? deadline : Optional.empty());
        }

        /** Whether nothing is left to judge of those that are looked up. */
        private boolean isAll() {
            return NONE.equals(new Filter(
                    state,
                    queue,
                    type,
                    source,
                    createdBy,
                    sessionId,
                    parent,
                    tag,
                    from,
                    to,
                    Optional.empty(),
                    Optional.empty()));
        }

        private static final Filter NONE = new Filter(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /**
     * A place in a list, behind this task.
     *
     * @param deadline the task's as the list found it, where that is in the order of deadlines
     */
    public record Place(TaskInstanceId id, Optional<Instant> deadline) {}

    /**
     * A part of a list.
     *
     * @param next behind which the list goes on
     */
    public record Part(List<SingleTask> tasks, Optional<Place> next) {

        public Part {
            tasks = List.copyOf(tasks);
        }
    }

    /**
     * The newest first, or the earliest deadline where deadlines are asked for, from behind this place on; perhaps fewer than
     * there are, where many have to be looked at.
     */
    public Future<Part> list(TenantId tenant, Filter filter, Optional<Place> behind, int limit) {
        var looked = filter.isAll() ? limit + 1 : LOOKED_MAX;
        var search = looks(tenant, filter, behind, looked)
                .addString(filter.queue().orElse(null))
                .addString(filter.type().orElse(null))
                .addString(filter.tag().orElse(null))
                .addOffsetDateTime(time(filter.from()))
                .addOffsetDateTime(time(filter.to()))
                .addArrayOfString(
                        filter.state().map(TaskQueueRepository::engineStates).orElse(null))
                .addInteger(limit + 1);
        return sql.run(LIST_SINGLE_TASKS, search).compose(rows -> {
            var found = Rows.list(rows, TaskQueueRepository::task).stream()
                    .sorted(filter.isByDeadline() ? EARLIEST_DEADLINE : NEWEST)
                    .toList();
            if (found.size() > limit) {
                var part = found.subList(0, limit);
                var last = part.getLast();
                return Future.succeededFuture(new Part(part, Optional.of(filter.place(last.id(), last.deadline()))));
            }
            return sql.run(FIND_LAST_LOOKED, looks(tenant, filter, behind, looked))
                    .map(last -> new Part(
                            found,
                            Rows.first(last, row -> row)
                                    .filter(row -> row.getLong("ordinal") == looked)
                                    .map(row -> filter.place(
                                            new TaskInstanceId(row.getUUID("id")),
                                            Rows.optionalTime(row, "deadline")))));
        });
    }

    /** The parameters of looked_tasks. */
    private static Tuple looks(TenantId tenant, Filter filter, Optional<Place> behind, int looked) {
        var byDeadline = filter.isByDeadline();
        var id = behind.map(place -> place.id().value());
        return Tuple.of(
                        tenant.value(),
                        filter.driver(),
                        byDeadline ? LAST : id.orElseGet(() -> last(filter)),
                        byDeadline ? id.orElse(FIRST) : first(filter),
                        looked)
                .addString(filter.sessionId().orElse(null))
                .addUUID(filter.parent().map(TaskInstanceId::value).orElse(null))
                .addString(filter.source().map(TaskSource::wireName).orElse(null))
                .addString(filter.createdBy().orElse(null))
                .addOffsetDateTime(time(behind.flatMap(Place::deadline).or(filter::dueFrom)))
                .addOffsetDateTime(time(filter.dueBefore()));
    }

    private static String[] engineStates(SubmittedState state) {
        return state.states().stream().map(TaskState::wireName).toArray(String[]::new);
    }

    private static UUID last(Filter filter) {
        return filter.to().map(to -> idAt(to.plus(CLOCK_SLACK))).orElse(LAST);
    }

    private static UUID first(Filter filter) {
        return filter.from().map(from -> idAt(from.minus(CLOCK_SLACK))).orElse(FIRST);
    }

    private static @Nullable OffsetDateTime time(Optional<Instant> at) {
        return at.map(instant -> instant.atOffset(ZoneOffset.UTC)).orElse(null);
    }

    /** The first id of a time. */
    private static UUID idAt(Instant time) {
        return new UUID(Math.max(0, time.toEpochMilli()) << 16, 0);
    }

    /**
     * A task and those below it, level by level.
     *
     * @param isComplete whether these are all
     */
    public record Tree(List<Node> nodes, boolean isComplete) {

        /** A task so many levels below the root. */
        public record Node(int level, SingleTask task) {}
    }

    /** Nothing where there is no such task. */
    public Future<Optional<Tree>> tree(TenantId tenant, TaskInstanceId root, int levels, int limit) {
        return sql.run(READ_TREE, Tuple.of(tenant.value(), root.value(), levels, limit + 1))
                .map(rows -> {
                    var hasMore =
                            Rows.list(rows, row -> row.getBoolean("has_more")).contains(true);
                    var nodes = Rows.list(rows, row -> new Tree.Node(row.getInteger("level"), task(row)));
                    return nodes.isEmpty()
                            ? Optional.empty()
                            : Optional.of(new Tree(
                                    nodes.subList(0, Math.min(limit, nodes.size())),
                                    nodes.size() <= limit && !hasMore));
                });
    }

    /** The task that has this key, which has not ended. */
    public Future<Optional<TaskInstanceId>> findByUniqueKey(TenantId tenant, String key) {
        return sql.run(FIND_BY_UNIQUE_KEY, Tuple.of(tenant.value(), key))
                .map(rows -> Rows.first(rows, row -> new TaskInstanceId(row.getUUID("task_id"))));
    }

    /** The states of those of these tasks that there are. */
    public Future<List<Found>> find(TenantId tenant, List<TaskInstanceId> ids) {
        var values = ids.stream().map(TaskInstanceId::value).toArray(UUID[]::new);
        return sql.run(LIST_STATES, Tuple.of(tenant.value()).addValue(values))
                .map(rows -> Rows.list(rows, row -> new Found(new TaskInstanceId(row.getUUID("id")), state(row))));
    }

    /** A task and its state. */
    public record Found(TaskInstanceId id, SubmittedState state) {}

    static SubmittedState state(Row row) {
        return SubmittedState.of(TaskState.ofWireName(row.getString("state")));
    }

    private static StoredTask stored(Row row) {
        var input = row.getString("input_text");
        return new StoredTask(
                task(row),
                new Json(row.getString("definition_text")),
                input == null ? Json.EMPTY_OBJECT : new Json(input),
                Optional.ofNullable(row.getString("output")).map(Json::new),
                TaskState.ofWireName(row.getString("state")),
                row.getShort("attempt"),
                Rows.optionalTime(row, "next_attempt_at"),
                Rows.progress(row));
    }

    private static SingleTask task(Row row) {
        var state = state(row);
        var estimate = row.getLong("estimate_ms");
        return new SingleTask(
                new TaskInstanceId(row.getUUID("id")),
                row.getString("name"),
                row.getString("type"),
                Optional.ofNullable(row.getString("queue")),
                row.getShort("own_priority"),
                row.getFloat("calculated_priority"),
                Rows.optionalTime(row, "deadline"),
                Optional.ofNullable(estimate).map(Duration::ofMillis),
                row.getShort("depth"),
                TaskSource.ofWireName(row.getString("source")),
                Optional.ofNullable(row.getString("created_by")),
                Optional.ofNullable(row.getUUID("parent_id")).map(TaskInstanceId::new),
                Optional.ofNullable(row.getString("session_id")),
                Arrays.stream(row.getArrayOfUUIDs("dependencies"))
                        .map(TaskInstanceId::new)
                        .toList(),
                DependencyType.ofWireName(row.getString("dependency_type")),
                row.getInteger("max_retries"),
                Duration.ofMillis(row.getLong("timeout_ms")),
                texts(row.getArrayOfStrings("tags")),
                Optional.ofNullable(row.getString("unique_key")),
                Rows.optionalTime(row, "not_before"),
                Optional.ofNullable(row.getString("concurrency_key")),
                state,
                Optional.ofNullable(row.getString("error")),
                Math.max(0, row.getShort("attempt") - 1),
                Rows.time(row, "created_at"),
                Rows.optionalTime(row, "started_at"),
                state.isTerminal() ? Rows.optionalTime(row, "finished_at") : Optional.empty(),
                Rows.time(row, "updated_at"));
    }

    private static List<String> texts(String @Nullable [] values) {
        return values == null ? List.of() : List.of(values);
    }
}
