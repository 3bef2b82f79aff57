package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.StreamSupport;

/**
 * The life of task instances in bulk: runs are created, tasks claimed, starts and results committed, claims given back,
 * work cancelled, retries woken. Each method is one transaction in one round trip; the functions it calls are in
 * {@code R__work.sql}, with the reasons for their order. Each answer comes within a limit of time: what failed for want of
 * one may have been done, or be done yet.
 */
public final class WorkRepository {

    // language=PostgreSQL
    static final String CREATE_RUNS = """
            WITH made AS MATERIALIZED (
                SELECT ordinal, verdict, run_id, dag_version, dag_name, created_at
                FROM create_runs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            ), noted AS (
                INSERT INTO audit_log (tenant_id, tenant, actor, actor_name, operation, kind, address, trace, idempotency_key,
                                       requests, refs)
                SELECT t.tenant_id, t.tenant, t.actor, t.actor_name, t.operation, 'run', t.address, t.trace,
                       t.idempotency_key, count(*), array_agg(m.run_id)
                FROM json_to_recordset($12::text::json) AS t(
                    tenant_id int, tenant text, actor text, actor_name text, operation text, address text, trace text,
                    idempotency_key text, ordinals int[])
                CROSS JOIN LATERAL unnest(t.ordinals) o(n)
                JOIN made m ON m.ordinal = o.n AND m.verdict = 'created'
                GROUP BY t.tenant_id, t.tenant, t.actor, t.actor_name, t.operation, t.address, t.trace, t.idempotency_key
            )
            SELECT verdict, run_id, dag_version, dag_name, created_at FROM made ORDER BY ordinal
            """;

    // language=PostgreSQL
    static final String COMMIT_AND_CLAIM = """
            SELECT accepted, queues, fence, ids, attempts, failures, versions, lock_fences, has_more, traceparents,
                   tenants, tenant_names, definitions, inputs, ready_since
            FROM commit_and_claim($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
            """;

    // language=PostgreSQL
    static final String OPEN_CLAIMS = """
            SELECT b.fence, m.id, m.attempt
            FROM claim_batches b
            CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
            LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
            WHERE b.node_id = $1 AND a.outcome IS NULL
            """;

    // language=PostgreSQL
    static final String GIVE_BACK = "SELECT give_back($1, $2, $3, $4) AS queues";

    // language=PostgreSQL
    static final String CANCEL = "SELECT known, nodes, queues FROM cancel_work($1, $2, $3)";

    // language=PostgreSQL
    static final String CANCEL_ONCE = "SELECT verdict, nodes, queues FROM cancel_work_once($1, $2, $3, $4, $5, $6)";

    // language=PostgreSQL
    static final String CANCEL_REQUESTS = "SELECT task_id, fence FROM cancel_requests WHERE node_id = $1 LIMIT 10000";

    // language=PostgreSQL
    static final String WAKE_DUE = "SELECT woken, queues, next_due_ms FROM wake_due($1)";

    // language=PostgreSQL
    static final String TURN_GENERATIONS = "SELECT goes_on, moved FROM turn_generations($1)";

    // language=PostgreSQL
    static final String LIST_QUEUES = "SELECT name FROM queues ORDER BY name";

    // language=PostgreSQL
    static final String TOTAL_USED = "SELECT total_used_ms($1, $2) AS used_ms";

    // Which of these lines have something that can be claimed.
    // language=PostgreSQL
    static final String FIND_READY_QUEUES = """
            SELECT q.name FROM unnest($1::text[]) q(name)
            WHERE EXISTS (
                SELECT FROM ready_places(ARRAY[q.name]) p
                CROSS JOIN LATERAL (
                    SELECT FROM task_ready r
                    WHERE r.generation = p.generation AND r.queue = p.queue AND r.latest_start >= p.starts_from
                    LIMIT 1) r)
            """;

    /** How many tasks one transaction may create, unless they are all of one run. */
    static final int CREATED_TASKS_MAX = 20_000;

    /** To tell since when tasks were ready costs the claim of many something, so it is not asked of each where they come fast. */
    private static final Duration READY_TIMES_EVERY = Duration.ofMillis(100);

    private final Sql sql;
    private final Tracing tracing;
    private final Endings endings;
    private final AtomicLong readyTimesAt = new AtomicLong(System.nanoTime());

    /** Of a node that traces nothing. */
    public WorkRepository(Vertx vertx, Pool pool) {
        this(vertx, pool, Tracing.OFF, Endings.NONE);
    }

    /**
     * @param pool connections with the settings of the hot path, see {@link Pools}
     * @param endings told of what ended by this node's doing
     */
    public WorkRepository(Vertx vertx, Pool pool, Tracing tracing, Endings endings) {
        this(new Sql(vertx, pool), tracing, endings);
    }

    private WorkRepository(Sql sql, Tracing tracing, Endings endings) {
        this.sql = sql;
        this.tracing = tracing;
        this.endings = endings;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public WorkRepository by(ChangeRequest request) {
        return new WorkRepository(sql.by(request), tracing, endings);
    }

    /**
     * Creates runs in one transaction; the results are in the order of the requests. Where their tasks are more than
     * {@link #CREATED_TASKS_MAX} together, only the first of the runs are created, at least one, and only these have results.
     */
    public Future<List<NewRun.Result>> createRuns(List<NewRun> runs) {
        return createRuns(runs, CREATED_TASKS_MAX);
    }

    Future<List<NewRun.Result>> createRuns(List<NewRun> runs, int tasksMax) {
        var parameters = Tuple.of(
                column(runs, UUID[]::new, run -> run.id().value()),
                column(runs, Integer[]::new, run -> run.tenant().value()),
                column(runs, UUID[]::new, run -> run.dag().value()),
                column(runs, String[]::new, run -> run.trigger().wireName()));
        parameters.addValue(column(
                runs,
                String[]::new,
                run -> run.params().map(params -> Texts.clean(params).text()).orElse(null)));
        parameters.addValue(column(
                runs,
                java.time.OffsetDateTime[]::new,
                run -> run.logicalTime().map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null)));
        parameters.addValue(column(
                runs, String[]::new, run -> run.key().map(NewRun.Key::operation).orElse(null)));
        parameters.addValue(column(
                runs, String[]::new, run -> run.key().map(NewRun.Key::key).orElse(null)));
        parameters.addValue(column(
                runs,
                String[]::new,
                run -> run.key().map(NewRun.Key::requestHash).orElse(null)));
        parameters.addValue(tasksMax);
        parameters.addValue(column(
                runs,
                String[]::new,
                run -> run.trace().map(TraceContext::traceparent).orElse(null)));
        parameters.addValue(
                AuditedTraffic.json(runs.stream().map(NewRun::change).toList()));
        return sql.run(CREATE_RUNS, parameters)
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .map(WorkRepository::result)
                        .toList());
    }

    private static NewRun.Result result(Row row) {
        var verdict = row.getString("verdict");
        return switch (verdict) {
            case "created" ->
                new NewRun.Result.Created(
                        new RunId(row.getUUID("run_id")),
                        row.getInteger("dag_version"),
                        row.getString("dag_name"),
                        row.getOffsetDateTime("created_at").toInstant());
            case "repeated" -> new NewRun.Result.Repeated(new RunId(row.getUUID("run_id")));
            case "conflict" -> new NewRun.Result.KeyTaken();
            case "no_dag" -> new NewRun.Result.NoSuchDag();
            default -> throw new IllegalStateException("create_runs answered " + verdict);
        };
    }

    /**
     * What a commit and claim gave.
     *
     * @param accepted the reported tasks whose report counted; of the others the claim was gone
     * @param readyQueues where tasks became ready by it
     * @param claims what the node now holds in addition, the most urgent first
     * @param hasMore whether something is ready that could not be looked at now, since others were at the same locks
     */
    public record Exchange(
            Set<TaskInstanceId> accepted, List<String> readyQueues, List<Claim> claims, boolean hasMore) {}

    /**
     * Records a node's starts and results, and claims up to {@code limit} of the most urgent tasks of the queues for it.
     * Reports told again after a lost answer are accepted again; a task may be reported once in a call.
     */
    public Future<Exchange> commitAndClaim(NodeId node, List<AttemptReport> reports, List<String> queues, int limit) {
        return sql.runOnce(COMMIT_AND_CLAIM, exchangeOf(node, reports, queues, limit))
                .map(rows -> exchange(rows.iterator().next()))
                .onSuccess(_ -> tellOfRuns(reports));
    }

    /** Records starts and results and claims nothing; tried again after conflicts, and failures come as callers are told. */
    public Future<Exchange> commit(NodeId node, List<AttemptReport> reports) {
        return sql.run(COMMIT_AND_CLAIM, exchangeOf(node, reports, List.of(), 0))
                .map(rows -> exchange(rows.iterator().next()))
                .onSuccess(_ -> tellOfRuns(reports));
    }

    /** Which of them were the last of their runs is not told. */
    private void tellOfRuns(List<AttemptReport> reports) {
        if (endings != Endings.NONE) {
            reports.stream()
                    .filter(report -> !report.id().isSingle())
                    .filter(report -> report.verdict()
                            .filter(verdict -> verdict.againAfter().isEmpty())
                            .isPresent())
                    .forEach(report -> endings.runMayBeOver(report.id().runId()));
        }
    }

    /** Claims and reports nothing; tried again after conflicts, and failures come as callers are told. */
    public Future<List<Claim>> claim(NodeId node, List<String> queues, int limit) {
        return sql.run(COMMIT_AND_CLAIM, exchangeOf(node, List.of(), queues, limit))
                .map(rows -> exchange(rows.iterator().next()).claims());
    }

    private Tuple exchangeOf(NodeId node, List<AttemptReport> reports, List<String> queues, int limit) {
        var parameters = Tuple.of(
                node.value(),
                column(reports, UUID[]::new, report -> report.id().value()),
                column(
                        reports,
                        UUID[]::new,
                        report -> report.id().isSingle()
                                ? null
                                : report.id().runId().value()),
                column(reports, Integer[]::new, report -> report.id().taskNumber()),
                column(reports, Integer[]::new, AttemptReport::versionId),
                column(reports, Short[]::new, report -> (short) report.attempt()));
        parameters.addValue(column(reports, Long[]::new, AttemptReport::fence));
        parameters.addValue(column(reports, Short[]::new, report -> (short) report.workerNumber()));
        parameters.addValue(
                column(reports, String[]::new, report -> report.outcome().orElse(null)));
        parameters.addValue(
                column(reports, String[]::new, report -> report.state().wireName()));
        parameters.addValue(column(
                reports,
                Long[]::new,
                report ->
                        report.sinceStart().map(time -> time.toNanos() / 1_000).orElse(null)));
        parameters.addValue(column(
                reports,
                String[]::new,
                report -> report.error().map(Texts::clean).orElse(null)));
        parameters.addValue(column(
                reports,
                String[]::new,
                report -> report.output()
                        .map(output -> Texts.clean(output).text())
                        .orElse(null)));
        parameters.addValue(column(
                reports,
                Long[]::new,
                report -> report.retryAfter().map(Duration::toMillis).orElse(null)));
        parameters.addValue(queues.toArray(String[]::new));
        return parameters.addValue(limit).addValue(tracing.isOn() || System.nanoTime() - readyTimesAt.get() >= 0);
    }

    private Exchange exchange(Row row) {
        var accepted = new HashSet<TaskInstanceId>();
        for (var id : Rows.ids(row, "accepted")) {
            accepted.add(new TaskInstanceId(id));
        }
        return new Exchange(
                accepted, Rows.texts(row, "queues"), claims(row), Boolean.TRUE.equals(row.getBoolean("has_more")));
    }

    private List<Claim> claims(Row row) {
        var ids = Rows.ids(row, "ids");
        if (ids.length == 0) {
            return List.of();
        }
        long fence = row.getLong("fence");
        var attempts = row.getArrayOfShorts("attempts");
        var failures = row.getArrayOfShorts("failures");
        var versions = row.getArrayOfIntegers("versions");
        var lockFences = row.getArrayOfLongs("lock_fences");
        var traces = row.getArrayOfStrings("traceparents");
        var readySince = row.getArrayOfLongs("ready_since");
        if (readySince != null) {
            readyTimesAt.set(System.nanoTime() + READY_TIMES_EVERY.toNanos());
        }
        var described = new DescribedClaims(row);
        var claims = new ArrayList<Claim>(ids.length);
        for (var i = 0; i < ids.length; i++) {
            var lockFence =
                    lockFences == null || lockFences[i] == null ? OptionalLong.empty() : OptionalLong.of(lockFences[i]);
            var trace = Optional.ofNullable(traces == null ? null : traces[i]).flatMap(TraceContext::parse);
            var id = new TaskInstanceId(ids[i]);
            claims.add(new Claim(
                    id,
                    versions[i],
                    attempts[i],
                    failures[i],
                    fence,
                    lockFence,
                    tracing.sampling().given(id, trace),
                    readySince == null ? OptionalLong.empty() : OptionalLong.of(readySince[i]),
                    described.input(i),
                    described.single(i, id)));
        }
        return claims;
    }

    /** Every claim of a node that has no result yet, as (task, fence). */
    public Future<List<Held>> openClaims(NodeId node) {
        return sql.runOnce(OPEN_CLAIMS, Tuple.of(node.value()))
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .map(row -> new Held(new TaskInstanceId(row.getUUID("id")), row.getLong("fence")))
                        .toList());
    }

    /** A task that a node holds under a fence. */
    public record Held(TaskInstanceId id, long fence) {}

    /**
     * Gives claims of a live node back: they are ready again, and nothing is charged. What began counts as an attempt,
     * what did not keeps its number. Answers the queues they went to.
     */
    public Future<List<String>> handBack(NodeId node, Collection<Held> claims) {
        if (claims.isEmpty()) {
            return Future.succeededFuture(List.of());
        }
        var fences = claims.stream().map(Held::fence).distinct().sorted().toArray(Long[]::new);
        var ids = claims.stream().map(held -> held.id().value()).toArray(UUID[]::new);
        return giveBack(Tuple.of(node.value(), fences, ids, "handed_back")).onSuccess(_ -> endings.takenBack(claims));
    }

    private Future<List<String>> giveBack(Tuple parameters) {
        return sql.runOnce(GIVE_BACK, parameters)
                .map(rows -> Rows.texts(rows.iterator().next(), "queues"));
    }

    /**
     * What a cancel did.
     *
     * @param nodes who holds what could not end at once
     * @param readyQueues where tasks became ready by it
     */
    public record Cancelled(List<NodeId> nodes, List<String> readyQueues) {}

    /** Cancels a run, or one of its tasks; nothing where there is no such run or task. Repeating it changes nothing. */
    public Future<Optional<Cancelled>> cancel(TenantId tenant, RunId run, Optional<TaskId> task) {
        return sql.change(
                        Resource.of(Kind.RUN, tenant, run),
                        CANCEL,
                        Tuple.of(
                                tenant.value(),
                                run.value(),
                                task.map(TaskId::value).orElse(null)))
                .onSuccess(_ -> endings.runMayBeOver(run))
                .map(rows -> cancelled(rows.iterator().next()));
    }

    /** As {@link #cancel}, once for this key; fails with {@code CONFLICT} where it came before with another request. */
    public Future<Optional<Cancelled>> cancelOnce(TenantId tenant, RunId run, Optional<TaskId> task, NewRun.Key key) {
        return sql.change(
                        Resource.of(Kind.RUN, tenant, run),
                        CANCEL_ONCE,
                        Tuple.of(
                                tenant.value(),
                                run.value(),
                                task.map(TaskId::value).orElse(null),
                                key.operation(),
                                key.key(),
                                key.requestHash()))
                .onSuccess(_ -> endings.runMayBeOver(run))
                .compose(rows -> {
                    var row = rows.iterator().next();
                    return switch (row.getString("verdict")) {
                        case "done" -> Future.succeededFuture(Optional.of(whatWasCancelled(row)));
                        case "repeated" -> Future.succeededFuture(Optional.of(new Cancelled(List.of(), List.of())));
                        case "unknown" -> Future.succeededFuture(Optional.empty());
                        case "conflict" -> Future.failedFuture(IdempotencyRepository.keyTaken());
                        case String other -> throw new IllegalStateException("cancel_work_once answered " + other);
                    };
                });
    }

    private static Optional<Cancelled> cancelled(Row row) {
        return row.getBoolean("known") ? Optional.of(whatWasCancelled(row)) : Optional.empty();
    }

    private static Cancelled whatWasCancelled(Row row) {
        var nodes = Arrays.stream(Rows.ids(row, "nodes")).map(NodeId::new).toList();
        return new Cancelled(nodes, Rows.texts(row, "queues"));
    }

    /**
     * How much of its {@code totalTimeout} a task has used, by the clock of the database: how long ago the first of the attempts
     * began that count together with this one. Zero where none has begun yet.
     */
    public Future<Duration> totalUsed(TaskInstanceId id, int attempt) {
        return sql.runOnce(TOTAL_USED, Tuple.of(id.value(), (short) attempt))
                .map(rows -> Duration.ofMillis(rows.iterator().next().getLong("used_ms")));
    }

    /** Which of a node's claims are asked to end. */
    public Future<List<Held>> cancelRequests(NodeId node) {
        return sql.runOnce(CANCEL_REQUESTS, Tuple.of(node.value()))
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .map(row -> new Held(new TaskInstanceId(row.getUUID("task_id")), row.getLong("fence")))
                        .toList());
    }

    /**
     * What waking retries did.
     *
     * @param nextDue in how long the next one is due
     */
    public record Woken(int count, List<String> readyQueues, Optional<Duration> nextDue) {}

    /** Makes up to {@code limit} retries ready whose time has come. */
    public Future<Woken> wakeDue(int limit) {
        return sql.runOnce(WAKE_DUE, Tuple.of(limit)).map(rows -> {
            var row = rows.iterator().next();
            var nextDue = Optional.ofNullable(row.getLong("next_due_ms")).map(Duration::ofMillis);
            return new Woken(row.getInteger("woken"), Rows.texts(row, "queues"), nextDue);
        });
    }

    /**
     * What a step of the generations of ready tasks did.
     *
     * @param goesOn whether the next step is to be made at once
     * @param movedQueues whose tasks moved: claims made meanwhile passed them over
     */
    public record Turned(boolean goesOn, List<String> movedQueues) {}

    /** Measures what a claim of these queues has to pass, and brings the generations of ready tasks a step further. */
    public Future<Turned> turnGenerations(List<String> queues) {
        return sql.runOnce(TURN_GENERATIONS, Tuple.tuple().addValue(queues.toArray(String[]::new)))
                .map(rows -> {
                    var row = rows.iterator().next();
                    return new Turned(row.getBoolean("goes_on"), Rows.texts(row, "moved"));
                });
    }

    /** The names of all queues. */
    public Future<List<String>> queues() {
        return sql.runOnce(LIST_QUEUES, Tuple.tuple())
                .map(rows -> StreamSupport.stream(rows.spliterator(), false)
                        .map(row -> row.getString("name"))
                        .toList());
    }

    /** Which of these queues have something ready. */
    public Future<List<String>> readyQueues(Collection<String> queues) {
        return sql.run(FIND_READY_QUEUES, Tuple.tuple().addValue(queues.toArray(String[]::new)))
                .map(rows -> Rows.list(rows, row -> row.getString("name")));
    }

    private static <T, C> C[] column(List<T> rows, java.util.function.IntFunction<C[]> array, Function<T, C> value) {
        var column = array.apply(rows.size());
        for (var i = 0; i < column.length; i++) {
            column[i] = value.apply(rows.get(i));
        }
        return column;
    }
}
