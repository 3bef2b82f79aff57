package dev.orrery.store;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.LetterId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.task.LetterState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Reads dead letters. They are written by whatever ends a task for good, in its transaction; {@link LetterRedriveRepository}
 * changes them.
 */
public final class DeadLetterRepository {

    /** So many letters are looked at to be counted. */
    public static final int COUNTED_MAX = 100_000;

    private static final String COLUMNS = """
            l.id, l.task_id, l.attempt, l.run_id, l.dag_id, l.dag, l.job, l.name, l.queue, l.handler,
                   l.outcome::text, l.error, l.fingerprint, l.state::text, l.created_at, l.resolved_at, l.resolved_by,
                   l.reason, l.redrive_id,
                   (SELECT count(*) FROM dead_letters x
                    WHERE x.task_id = l.task_id AND x.attempt < l.attempt AND x.state = 'redriven')::int AS redrives
            """;

    // The letter is found first, whatever else the view looks up.
    private static final String LETTERS = """
            FROM dead_letters k
            CROSS JOIN LATERAL (SELECT x.* FROM letters_shown x WHERE x.id = k.id OFFSET 0) l
            """;

    private static final String MATCHES = """
            WHERE k.tenant_id = $1 AND k.state = $2::text::letter_state
              AND k.id >= first_letter_id($3::timestamptz) AND k.id < first_letter_id(coalesce($4, 'infinity'::timestamptz))
              AND ($5::text IS NULL OR l.queue = $5)
              AND ($6::text IS NULL OR l.dag = $6)
              AND ($7::text IS NULL OR l.job = $7)
              AND ($8::text IS NULL OR l.name = $8)
              AND ($9::text IS NULL OR l.handler = $9)
              AND ($10::text IS NULL OR l.outcome = $10::text::attempt_outcome)
              AND ($11::text IS NULL OR k.fingerprint = $11)
            """;

    private static final String PAGE = """
              AND ($12::uuid IS NULL OR k.id < $12)
            ORDER BY k.id DESC
            LIMIT $13
            """;

    // language=PostgreSQL
    static final String LIST = "SELECT " + COLUMNS + LETTERS + MATCHES + PAGE;

    // One of its own, so that it has its own index.
    // language=PostgreSQL
    static final String LIST_ALIKE = "SELECT " + COLUMNS + LETTERS + MATCHES + "  AND k.fingerprint = $11\n" + PAGE;

    // language=PostgreSQL
    static final String GET = "SELECT " + COLUMNS + """
                 , coalesce(i.definition::text, task_in_dag(i.version_id, i.id, i.task_id)::text) AS definition,
                   coalesce(l.input::text, given_input(l.task_id)) AS input,
                   k.new_input::text AS new_input,
                   (SELECT o.output::text FROM task_outputs o
                    WHERE o.task_id = l.task_id AND o.attempt <= l.attempt ORDER BY o.attempt DESC LIMIT 1) AS last_output
            FROM dead_letters k
            CROSS JOIN LATERAL (SELECT x.* FROM letters_shown x WHERE x.id = k.id OFFSET 0) l
            JOIN task_instances i ON i.id = l.task_id
            WHERE k.id = $2 AND k.tenant_id = $1
            """;

    // language=PostgreSQL
    static final String GROUPS = """
            WITH found AS MATERIALIZED (
                SELECT k.id, k.fingerprint
            """ + LETTERS + MATCHES + """
                ORDER BY k.id DESC
                LIMIT $13
            ), counted AS MATERIALIZED (
                SELECT f.fingerprint, count(*)::int AS letters, max(f.id::text)::uuid AS last_id, min(f.id::text)::uuid AS first_id
                FROM found f GROUP BY f.fingerprint
                ORDER BY letters DESC, f.fingerprint
                LIMIT $12
            )
            SELECT c.fingerprint, c.letters, o.created_at AS first_at, l.created_at AS last_at, l.id, l.task_id, l.name,
                   l.outcome::text, l.error, (SELECT count(*) FROM found)::int AS looked_at
            FROM counted c
            JOIN letters_shown l ON l.id = c.last_id
            JOIN dead_letters o ON o.id = c.first_id
            ORDER BY c.letters DESC, c.fingerprint
            """;

    // language=PostgreSQL
    static final String COUNT = "SELECT count(*)::int AS letters FROM (SELECT\n" + LETTERS + MATCHES + "LIMIT $12) m";

    // language=PostgreSQL
    static final String COUNT_LIMIT = "SET LOCAL statement_timeout = '10s'";

    // language=PostgreSQL
    static final String COUNT_NAMED = """
            SELECT count(DISTINCT l.id)::int AS letters
            FROM unnest($2::uuid[]) u(id)
            CROSS JOIN LATERAL (
                SELECT x.id FROM dead_letters x
                WHERE x.id = u.id AND x.tenant_id = $1 AND x.state = 'open' OFFSET 0) l
            """;

    private final Sql sql;

    public DeadLetterRepository(Vertx vertx, Pool pool) {
        this.sql = new Sql(vertx, pool);
    }

    /**
     * Which letters; what is absent makes no difference.
     *
     * @param name of the task: its id in the DAG, or the name of a single one
     * @param to excluded
     */
    public record Filter(
            Optional<String> queue,
            Optional<String> dag,
            Optional<String> job,
            Optional<String> name,
            Optional<String> handler,
            Optional<String> outcome,
            Optional<String> fingerprint,
            Optional<Instant> from,
            Optional<Instant> to) {

        /** All of them. */
        public static final Filter ALL = new Filter(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());

        /** The same, but nothing that came then or later. */
        public Filter before(Instant time) {
            var until = to.filter(own -> own.isBefore(time)).orElse(time);
            return new Filter(queue, dag, job, name, handler, outcome, fingerprint, from, Optional.of(until));
        }
    }

    /**
     * A letter.
     *
     * @param attempt with which its task ended
     * @param run absent for a single task
     * @param redrives how often its task was sent back before
     * @param redrive the request for many that sent it back
     */
    public record StoredLetter(
            LetterId id,
            TaskInstanceId task,
            int attempt,
            Optional<RunId> run,
            Optional<DagId> dagId,
            Optional<String> dag,
            Optional<String> job,
            String name,
            String queue,
            Optional<String> handler,
            String outcome,
            Optional<String> error,
            String fingerprint,
            LetterState state,
            int redrives,
            Instant createdAt,
            Optional<Instant> resolvedAt,
            Optional<String> resolvedBy,
            Optional<String> reason,
            Optional<UUID> redrive) {}

    /**
     * A letter with what its task is.
     *
     * @param input what it was given when it failed; of a task of a run what the DAG says, else the run's params
     * @param newInput with what it was sent back, where that was something else
     */
    public record FoundLetter(
            StoredLetter letter, Json definition, Json input, Optional<Json> newInput, Json lastOutput) {}

    /**
     * Letters that failed alike.
     *
     * @param lookedAt how many letters were counted in all groups: {@link #COUNTED_MAX} where there may be more
     */
    public record LetterGroup(
            String fingerprint,
            int letters,
            Instant firstAt,
            Instant lastAt,
            LetterId sample,
            TaskInstanceId task,
            String name,
            String outcome,
            Optional<String> error,
            int lookedAt) {}

    /** The newest first, behind this one. */
    public Future<List<StoredLetter>> list(
            TenantId tenant, LetterState state, Filter filter, Optional<LetterId> behind, int limit) {
        var parameters = matching(tenant, state, filter)
                .addValue(behind.map(LetterId::value).orElse(null))
                .addValue(limit);
        return sql.run(filter.fingerprint().isPresent() ? LIST_ALIKE : LIST, parameters)
                .map(rows -> Rows.list(rows, DeadLetterRepository::letter));
    }

    public Future<Optional<FoundLetter>> get(TenantId tenant, LetterId id) {
        return sql.run(GET, Tuple.of(tenant.value(), id.value()))
                .map(rows -> Rows.first(
                        rows,
                        row -> new FoundLetter(
                                letter(row),
                                json(row, "definition"),
                                json(row, "input"),
                                Optional.ofNullable(row.getString("new_input")).map(Json::new),
                                json(row, "last_output"))));
    }

    /** The greatest groups first, of at most the newest {@link #COUNTED_MAX} letters. */
    public Future<List<LetterGroup>> groups(TenantId tenant, LetterState state, Filter filter, int limit) {
        var parameters = matching(tenant, state, filter).addValue(limit).addValue(COUNTED_MAX);
        return sql.run(GROUPS, parameters)
                .map(rows -> Rows.list(
                        rows,
                        row -> new LetterGroup(
                                row.getString("fingerprint"),
                                row.getInteger("letters"),
                                Rows.time(row, "first_at"),
                                Rows.time(row, "last_at"),
                                new LetterId(row.getUUID("id")),
                                new TaskInstanceId(row.getUUID("task_id")),
                                row.getString("name"),
                                row.getString("outcome"),
                                Optional.ofNullable(row.getString("error")),
                                row.getInteger("looked_at"))));
    }

    /** How many open letters there are like that, at most {@link #COUNTED_MAX}. Fails where to count them takes more than ten seconds. */
    public Future<Integer> count(TenantId tenant, Filter filter) {
        var parameters = matching(tenant, LetterState.OPEN, filter).addValue(COUNTED_MAX);
        return sql.transaction(connection -> connection
                        .query(COUNT_LIMIT)
                        .execute()
                        .compose(_ -> connection.preparedQuery(COUNT).execute(parameters)))
                .map(rows -> rows.iterator().next().getInteger("letters"));
    }

    /** How many of these are open letters. */
    public Future<Integer> count(TenantId tenant, List<LetterId> letters) {
        var ids = letters.stream().map(LetterId::value).toArray(UUID[]::new);
        return sql.run(COUNT_NAMED, Tuple.of(tenant.value()).addValue(ids))
                .map(rows -> rows.iterator().next().getInteger("letters"));
    }

    private static Tuple matching(TenantId tenant, LetterState state, Filter filter) {
        return Tuple.of(tenant.value(), state.wireName())
                .addValue(filter.from().map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null))
                .addValue(filter.to().map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null))
                .addValue(filter.queue().map(Texts::clean).orElse(null))
                .addValue(filter.dag().map(Texts::clean).orElse(null))
                .addValue(filter.job().map(Texts::clean).orElse(null))
                .addValue(filter.name().map(Texts::clean).orElse(null))
                .addValue(filter.handler().map(Texts::clean).orElse(null))
                .addValue(filter.outcome().orElse(null))
                .addValue(filter.fingerprint().map(Texts::clean).orElse(null));
    }

    private static Json json(Row row, String column) {
        return Optional.ofNullable(row.getString(column)).map(Json::new).orElse(Json.NULL);
    }

    private static StoredLetter letter(Row row) {
        return new StoredLetter(
                new LetterId(row.getUUID("id")),
                new TaskInstanceId(row.getUUID("task_id")),
                row.getShort("attempt"),
                Optional.ofNullable(row.getUUID("run_id")).map(RunId::new),
                Optional.ofNullable(row.getUUID("dag_id")).map(DagId::new),
                Optional.ofNullable(row.getString("dag")),
                Optional.ofNullable(row.getString("job")),
                row.getString("name"),
                row.getString("queue"),
                Optional.ofNullable(row.getString("handler")),
                row.getString("outcome"),
                Optional.ofNullable(row.getString("error")),
                row.getString("fingerprint"),
                LetterState.ofWireName(row.getString("state")),
                row.getInteger("redrives"),
                Rows.time(row, "created_at"),
                Rows.optionalTime(row, "resolved_at"),
                Optional.ofNullable(row.getString("resolved_by")),
                Optional.ofNullable(row.getString("reason")),
                Optional.ofNullable(row.getUUID("redrive_id")));
    }
}
