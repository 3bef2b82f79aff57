package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.TraceSampling;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/**
 * Remote workers, which are members like nodes, and what they hold. Their claims are made and their results committed by
 * {@link WorkRepository}; the functions called here are in {@code R__remote.sql}.
 */
public final class RemoteWorkerRepository {

    // language=PostgreSQL
    static final String REGISTER =
            "SELECT verdict, id FROM register_remote($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    // language=PostgreSQL
    static final String FIND = """
            SELECT n.id, n.tenant_id, n.name, n.handlers, n.slots, n.lease_ms, n.token_hash
            FROM nodes n
            WHERE n.id = $1 AND n.mode = 'remote'
            """;

    // language=PostgreSQL
    static final String BEAT = "SELECT id, open_ids, open_fences, asked_ids FROM beat_remote($1)";

    // language=PostgreSQL
    static final String LIST = """
            SELECT n.id, n.name, n.version, n.handlers, n.slots, n.started_at, n.lease_ms,
                   greatest(0, (extract(epoch FROM clock_timestamp() - n.beat_at) * 1000)::bigint) AS age_ms,
                   (SELECT coalesce(sum(b.open_count), 0)::int FROM claim_batches b
                    WHERE b.node_id = n.id AND b.due_at IS NOT NULL) AS running
            FROM nodes n
            WHERE n.mode = 'remote' AND n.fenced_at IS NULL AND n.tenant_id = $1
              AND ($2::timestamptz IS NULL OR (n.started_at, n.id) < ($2, $3::uuid))
              AND ($4::text IS NULL OR $4 = ANY (n.handlers))
            ORDER BY n.started_at DESC, n.id DESC
            LIMIT $5
            """;

    // What comes of a claim: still open, or ended under this fence, or neither.
    // language=PostgreSQL
    static final String FIND_CLAIM = """
            SELECT c.attempt, c.failures, c.version_id, c.is_asked, c.traceparent, c.began_at, d.outcome
            FROM (SELECT 1) one
            LEFT JOIN LATERAL (
                SELECT m.attempt, m.failures, i.version_id, x.traceparent, coalesce(a.started_at, b.claimed_at) AS began_at,
                       coalesce(r.state = 'cancelling', false)
                           OR EXISTS (SELECT FROM cancel_requests q WHERE q.task_id = m.id) AS is_asked
                FROM claim_batches b
                CROSS JOIN LATERAL unnest(b.ids, b.attempts, b.failures) m(id, attempt, failures)
                JOIN task_instances i ON i.id = m.id
                LEFT JOIN dag_runs r ON r.id = i.run_id
                LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
                LEFT JOIN run_traces x ON x.run_id = run_of(m.id)
                WHERE b.fence = $2 AND b.node_id = $1 AND m.id = $3 AND a.outcome IS NULL
            ) c ON true
            LEFT JOIN LATERAL (
                SELECT a.outcome FROM task_attempts a
                WHERE a.task_id = $3 AND a.fence = $2 AND a.node_id = $1 AND a.outcome IS NOT NULL
            ) d ON true
            """;

    // language=PostgreSQL
    static final String FIND_CLAIMS = """
            SELECT b.fence, m.id, m.attempt, m.failures, i.version_id, k.fence AS lock_fence, x.traceparent
            FROM claim_batches b
            CROSS JOIN LATERAL unnest(b.ids, b.attempts, b.failures) m(id, attempt, failures)
            JOIN task_instances i ON i.id = m.id
            LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
            LEFT JOIN LATERAL (
                SELECT l.fence FROM locks l WHERE l.holder IN (m.id, i.run_id)
                ORDER BY l.holder = m.id DESC LIMIT 1
            ) k ON true
            LEFT JOIN run_traces x ON x.run_id = run_of(i.id)
            WHERE b.node_id = $1 AND b.due_at IS NOT NULL AND m.id = ANY ($2::uuid[]) AND a.outcome IS NULL
            """;

    // language=PostgreSQL
    static final String FIND_OVERDUE = """
            SELECT node_id, fence, id, attempt, failures, version_id, timeout_ms, is_asked FROM overdue_remote($1, $2)
            """;

    // language=PostgreSQL
    static final String FIND_UNOFFERED = "SELECT unoffered_handler($1, $2) AS handler";

    // language=PostgreSQL
    static final String APPEND_LOG = "SELECT append_remote_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS verdict";

    // A fence waits for claims in flight: see NodeRepository.FENCE.
    // language=PostgreSQL
    static final String LEAVE = """
            WITH held AS (SELECT id FROM nodes WHERE id = $1 AND mode = 'remote' AND fenced_at IS NULL FOR UPDATE)
            UPDATE nodes n SET fenced_at = clock_timestamp() FROM held WHERE n.id = held.id
            """;

    // language=PostgreSQL
    static final String FORGET_OLD = """
            DELETE FROM nodes n
            WHERE n.id = ANY (ARRAY(
                SELECT x.id FROM nodes x
                WHERE x.mode = 'remote' AND x.fenced_at < clock_timestamp() - interval '7 days'
                  AND NOT EXISTS (SELECT FROM claim_batches b WHERE b.node_id = x.id)
                LIMIT $1))
            """;

    private final Sql sql;
    private final TraceSampling sampling;

    public RemoteWorkerRepository(Vertx vertx, Pool pool) {
        this(vertx, pool, TraceSampling.ALL);
    }

    /** {@code sampling}: which traces of runs that were given none are recorded. */
    public RemoteWorkerRepository(Vertx vertx, Pool pool, TraceSampling sampling) {
        this.sql = new Sql(vertx, pool);
        this.sampling = sampling;
    }

    private RemoteWorkerRepository(Sql sql, TraceSampling sampling) {
        this.sql = sql;
        this.sampling = sampling;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public RemoteWorkerRepository by(ChangeRequest request) {
        return new RemoteWorkerRepository(sql.by(request), sampling);
    }

    /**
     * Who registers.
     *
     * @param version what the program calls itself; may be empty
     * @param slots how many tasks it does at once
     * @param lease how long it may be silent
     */
    public record NewWorker(
            NodeId id,
            TenantId tenant,
            String name,
            String version,
            List<String> handlers,
            int slots,
            Duration lease,
            Buffer tokenHash) {}

    /** What a registration comes to. */
    public sealed interface Registered {

        /** The worker, which may have been made by the same request before. */
        record Done(NodeId id) implements Registered {}

        record Full() implements Registered {}

        record KeyTaken() implements Registered {}
    }

    /** Registers a worker, unless there are {@code max} already. */
    public Future<Registered> register(NewWorker worker, int max, Optional<NewRun.Key> key) {
        var parameters = Tuple.of(
                worker.tenant().value(),
                worker.id().value(),
                Texts.clean(worker.name()),
                Texts.clean(worker.version()),
                worker.handlers().toArray(String[]::new),
                worker.slots());
        parameters
                .addValue((int) worker.lease().toMillis())
                .addValue(worker.tokenHash())
                .addValue(max)
                .addValue(key.map(NewRun.Key::operation).orElse(null))
                .addValue(key.map(NewRun.Key::key).orElse(null))
                .addValue(key.map(NewRun.Key::requestHash).orElse(null));
        return sql.change(Resource.of(Kind.REMOTE_WORKER, worker.tenant(), worker.id()), REGISTER, parameters)
                .map(rows -> {
                    var row = rows.iterator().next();
                    return switch (row.getString("verdict")) {
                        case "registered", "repeated" -> new Registered.Done(new NodeId(row.getUUID("id")));
                        case "full" -> new Registered.Full();
                        case "conflict" -> new Registered.KeyTaken();
                        case String other -> throw new IllegalStateException("register_remote answered " + other);
                    };
                });
    }

    /** What is known of a worker's registration. None of it changes, but the hash where its registration is repeated. */
    public record StoredIdentity(
            NodeId id,
            TenantId tenant,
            String name,
            List<String> handlers,
            int slots,
            Duration lease,
            Buffer tokenHash) {}

    public Future<Optional<StoredIdentity>> find(NodeId id) {
        return sql.run(FIND, Tuple.of(id.value()))
                .map(rows -> Rows.first(
                        rows,
                        row -> new StoredIdentity(
                                new NodeId(row.getUUID("id")),
                                new TenantId(row.getInteger("tenant_id")),
                                row.getString("name"),
                                List.of(row.getArrayOfStrings("handlers")),
                                row.getInteger("slots"),
                                Duration.ofMillis(row.getInteger("lease_ms")),
                                row.getBuffer("token_hash"))));
    }

    /** What a worker that lives holds, and which of its tasks are asked to end. */
    public record Standing(Set<Held> open, Set<TaskInstanceId> askedToEnd) {}

    /** Signs of life; the answers are in their order, empty for a worker that was given up. */
    public Future<List<Optional<Standing>>> beat(List<NodeId> workers) {
        var ids = workers.stream().map(NodeId::value).toArray(UUID[]::new);
        return sql.run(BEAT, Tuple.tuple().addValue(ids)).map(rows -> {
            Map<UUID, Standing> alive = new HashMap<>();
            rows.forEach(row -> alive.put(row.getUUID("id"), standing(row)));
            return Arrays.stream(ids)
                    .map(id -> Optional.ofNullable(alive.get(id)))
                    .toList();
        });
    }

    private static Standing standing(Row row) {
        var ids = row.getArrayOfUUIDs("open_ids");
        var fences = row.getArrayOfLongs("open_fences");
        var open = new HashSet<Held>();
        for (var i = 0; ids != null && i < ids.length; i++) {
            open.add(new Held(new TaskInstanceId(ids[i]), fences[i]));
        }
        var asked = new HashSet<TaskInstanceId>();
        for (var id : row.getArrayOfUUIDs("asked_ids")) {
            asked.add(new TaskInstanceId(id));
        }
        return new Standing(open, asked);
    }

    /**
     * A worker that was not given up.
     *
     * @param running how many tasks it holds
     */
    public record StoredWorker(
            WorkerId id,
            String name,
            String version,
            List<String> handlers,
            int slots,
            int running,
            Duration lease,
            Duration silentFor,
            Instant registeredAt) {}

    /** Where a list of workers goes on: behind this one. */
    public record Position(Instant registeredAt, WorkerId worker) {}

    /** Those that were not given up, the newest first. */
    public Future<List<StoredWorker>> list(
            TenantId tenant, Optional<String> handler, Optional<Position> behind, int limit) {
        var parameters = Tuple.of(
                tenant.value(),
                behind.map(place -> place.registeredAt().atOffset(ZoneOffset.UTC))
                        .orElse(null),
                behind.map(place -> place.worker().nodeId().value()).orElse(null),
                handler.orElse(null),
                limit);
        return sql.run(LIST, parameters)
                .map(rows -> Rows.list(
                        rows,
                        row -> new StoredWorker(
                                WorkerId.of(new NodeId(row.getUUID("id")), 1),
                                row.getString("name"),
                                row.getString("version"),
                                List.of(row.getArrayOfStrings("handlers")),
                                row.getInteger("slots"),
                                row.getInteger("running"),
                                Duration.ofMillis(row.getInteger("lease_ms")),
                                Duration.ofMillis(row.getLong("age_ms")),
                                Rows.time(row, "started_at"))));
    }

    /** The handler that a ready task waits for and nobody offers. */
    public Future<Optional<String>> unofferedHandler(TenantId tenant, TaskInstanceId task) {
        return sql.run(FIND_UNOFFERED, Tuple.of(tenant.value(), task.value()))
                .map(rows -> Optional.ofNullable(rows.iterator().next().getString("handler")));
    }

    /** How a claim of a worker stands. */
    public sealed interface ClaimState {

        /** {@code isAskedToEnd}: someone cancels it. */
        record Open(Claim claim, boolean isAskedToEnd, Instant begunAt) implements ClaimState {}

        /** It has a result, by this outcome. */
        record Ended(String outcome) implements ClaimState {}

        /** The worker has it no more, or never had it. */
        record Stale() implements ClaimState {}
    }

    public Future<ClaimState> claim(NodeId worker, Held held) {
        return sql.run(
                        FIND_CLAIM,
                        Tuple.of(worker.value(), held.fence(), held.id().value()))
                .map(rows -> {
                    var row = rows.iterator().next();
                    if (row.getShort("attempt") != null) {
                        return new ClaimState.Open(
                                new Claim(
                                        held.id(),
                                        row.getInteger("version_id"),
                                        row.getShort("attempt"),
                                        row.getShort("failures"),
                                        held.fence(),
                                        OptionalLong.empty(),
                                        sampling.given(held.id().runId(), Rows.trace(row, "traceparent")),
                                        OptionalLong.empty(),
                                        Optional.empty(),
                                        Optional.empty()),
                                row.getBoolean("is_asked"),
                                Rows.time(row, "began_at"));
                    }
                    var outcome = row.getString("outcome");
                    return outcome == null ? new ClaimState.Stale() : new ClaimState.Ended(outcome);
                });
    }

    /** Those of these tasks that the worker holds without a result, as they were claimed. */
    public Future<List<Claim>> claims(NodeId worker, Collection<TaskInstanceId> tasks) {
        var ids = tasks.stream().map(TaskInstanceId::value).toArray(UUID[]::new);
        return sql.run(FIND_CLAIMS, Tuple.of(worker.value()).addValue(ids)).map(rows -> {
            var claims = new ArrayList<Claim>();
            for (var row : rows) {
                var lockFence = row.getLong("lock_fence");
                claims.add(new Claim(
                        new TaskInstanceId(row.getUUID("id")),
                        row.getInteger("version_id"),
                        row.getShort("attempt"),
                        row.getShort("failures"),
                        row.getLong("fence"),
                        lockFence == null ? OptionalLong.empty() : OptionalLong.of(lockFence),
                        sampling.given(new TaskInstanceId(row.getUUID("id")).runId(), Rows.trace(row, "traceparent")),
                        OptionalLong.empty(),
                        Optional.empty(),
                        Optional.empty()));
            }
            return claims;
        });
    }

    /**
     * An attempt whose time is over, or that was asked to end long ago.
     *
     * @param timeout how long it may take
     */
    public record Overdue(NodeId worker, Claim claim, Duration timeout, boolean isAskedToEnd) {}

    /** What is overdue, of about {@code limit} claims; {@code grace}: for those who are asked to end. */
    public Future<List<Overdue>> overdue(Duration grace, int limit) {
        return sql.run(FIND_OVERDUE, Tuple.of(grace.toMillis(), limit))
                .map(rows -> Rows.list(
                        rows,
                        row -> new Overdue(
                                new NodeId(row.getUUID("node_id")),
                                new Claim(
                                        new TaskInstanceId(row.getUUID("id")),
                                        row.getInteger("version_id"),
                                        row.getShort("attempt"),
                                        row.getShort("failures"),
                                        row.getLong("fence"),
                                        OptionalLong.empty()),
                                Duration.ofMillis(row.getLong("timeout_ms")),
                                row.getBoolean("is_asked"))));
    }

    /** What adding to a log comes to. */
    public enum Appended {
        ADDED,
        /** Nothing was added, since the log is as long as it may be. */
        FULL,
        /** The worker has the claim no more. */
        STALE,
        /** The key came before with another request. */
        KEY_TAKEN
    }

    /** Adds to the log of an attempt; what goes beyond {@code limit} bytes is the last, and {@code notice} says so. */
    public Future<Appended> appendLog(
            TenantId tenant,
            NodeId worker,
            Held held,
            Buffer content,
            Buffer notice,
            int limit,
            Optional<NewRun.Key> key) {
        var parameters = Tuple.of(tenant.value(), worker.value(), held.id().value(), held.fence(), content, notice);
        parameters
                .addValue(limit)
                .addValue(key.map(NewRun.Key::operation).orElse(null))
                .addValue(key.map(NewRun.Key::key).orElse(null))
                .addValue(key.map(NewRun.Key::requestHash).orElse(null));
        return sql.run(APPEND_LOG, parameters)
                .map(rows -> switch (rows.iterator().next().getString("verdict")) {
                    case "added", "repeated" -> Appended.ADDED;
                    case "full" -> Appended.FULL;
                    case "stale" -> Appended.STALE;
                    case "conflict" -> Appended.KEY_TAKEN;
                    case String other -> throw new IllegalStateException("append_remote_log answered " + other);
                });
    }

    /** A worker's own end: what it holds is given back by the caller next, or taken back soon. */
    public Future<Void> leave(TenantId tenant, NodeId worker) {
        return sql.change(Resource.of(Kind.REMOTE_WORKER, tenant, worker), LEAVE, Tuple.of(worker.value()))
                .mapEmpty();
    }

    /** Forgets up to {@code limit} workers that ended a week ago; answers how many. */
    public Future<Integer> forgetOld(int limit) {
        return sql.run(FORGET_OLD, Tuple.of(limit)).map(rows -> rows.rowCount());
    }
}
