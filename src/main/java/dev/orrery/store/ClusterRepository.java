package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.NodeState;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WireNamed;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.audit.ChangeRequest;
import dev.orrery.domain.audit.Resource;
import dev.orrery.domain.audit.Resource.Kind;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Reads who is there and how they are, for people; what nodes themselves write is {@link NodeRepository}'s. */
public final class ClusterRepository {

    // A leader is one that can act as such: who drains has resigned, who is silent is not believed.
    // language=PostgreSQL
    static final String LIST_NODES = """
            SELECT n.id, n.name, s.state, s.state = 'working' AND l.node_id = n.id AS leads, n.mode, n.version,
                   n.http_address, n.capabilities, n.started_at, n.slots, n.clock_offset_ms,
                   greatest(0, (extract(epoch FROM clock_timestamp() - n.beat_at) * 1000)::bigint) AS age_ms,
                   (SELECT coalesce(sum(r.count), 0) FROM unnest(n.worker_running) r(count))::int AS running,
                   (SELECT coalesce(sum(q.count), 0) FROM unnest(n.worker_queued) q(count))::int AS queued
            FROM nodes n
            CROSS JOIN leadership l
            CROSS JOIN LATERAL (
                SELECT CASE
                    WHEN n.fenced_at IS NOT NULL THEN 'gone'
                    WHEN n.beat_at < clock_timestamp() - $1::bigint * interval '1 millisecond' THEN 'silent'
                    WHEN n.draining OR n.drain_asked_at IS NOT NULL THEN 'draining'
                    ELSE 'working' END AS state) s
            WHERE n.mode <> 'remote' AND ($2::text IS NULL OR s.state = $2)
              AND ($3::timestamptz IS NULL OR (n.started_at, n.id) < ($3, $4::uuid))
            ORDER BY n.started_at DESC, n.id DESC
            LIMIT $5
            """;

    // language=PostgreSQL
    static final String SUMMARY = """
            WITH present AS (
                SELECT n.id, n.version, n.slots, n.worker_running, n.worker_queued,
                       n.beat_at < clock_timestamp() - $1::bigint * interval '1 millisecond' AS silent,
                       n.draining OR n.drain_asked_at IS NOT NULL AS draining
                FROM nodes n
                WHERE n.fenced_at IS NULL AND n.mode <> 'remote'
            ), answering AS (
                SELECT p.id, p.version, p.slots, p.draining,
                       (SELECT coalesce(sum(r.count), 0) FROM unnest(p.worker_running) r(count)) AS running,
                       (SELECT coalesce(sum(q.count), 0) FROM unnest(p.worker_queued) q(count)) AS queued
                FROM present p
                WHERE NOT p.silent
            )
            SELECT c.id, l.epoch, leader.id AS leader, CASE WHEN leader.id IS NOT NULL THEN l.since END AS since,
                   (SELECT count(*) FROM present p WHERE p.silent) AS silent,
                   a.nodes, a.draining, a.versions, a.slots, a.running, a.queued
            FROM cluster c
            CROSS JOIN leadership l
            LEFT JOIN answering leader ON leader.id = l.node_id AND NOT leader.draining
            CROSS JOIN (
                SELECT count(*) AS nodes, count(*) FILTER (WHERE draining) AS draining,
                       coalesce(array_agg(DISTINCT version), '{}') AS versions,
                       coalesce(sum(slots), 0)::bigint AS slots, coalesce(sum(running), 0)::bigint AS running,
                       coalesce(sum(queued), 0)::bigint AS queued
                FROM answering) a
            """;

    // The node that asks knows how many workers it has, also before its first heartbeat that tells of them.
    // language=PostgreSQL
    static final String LIST_WORKERS = """
            SELECT n.id AS node_id, w.number::smallint AS worker_no,
                   CASE WHEN n.beat_at < clock_timestamp() - $1::bigint * interval '1 millisecond' THEN 'stopped'
                       ELSE coalesce(n.worker_activities[w.number], 'stopped') END AS activity,
                   coalesce(n.worker_running[w.number], 0) AS running,
                   coalesce(n.worker_queued[w.number], 0) AS queued
            FROM nodes n
            CROSS JOIN LATERAL generate_series(
                1, CASE WHEN n.id = $2 THEN $3::int ELSE cardinality(n.worker_activities) END) w(number)
            WHERE n.fenced_at IS NULL AND n.mode <> 'remote'
            ORDER BY n.started_at DESC, n.id DESC, w.number DESC
            LIMIT $4 OFFSET $5
            """;

    // language=PostgreSQL
    static final String ASK_DRAIN = "SELECT ask_drain($1, $2, $3, $4, $5) AS verdict";

    private final Sql sql;
    private final long leaseMillis;

    /** {@code lease}: how long a node may be silent. */
    public ClusterRepository(Vertx vertx, Pool pool, Duration lease) {
        this.sql = new Sql(vertx, pool);
        this.leaseMillis = lease.toMillis();
    }

    private ClusterRepository(Sql sql, long leaseMillis) {
        this.sql = sql;
        this.leaseMillis = leaseMillis;
    }

    /** The same, for what this request changes: the audit log tells of it. */
    public ClusterRepository by(ChangeRequest request) {
        return new ClusterRepository(sql.by(request), leaseMillis);
    }

    /**
     * A node, with what it told by its last heartbeat.
     *
     * @param httpAddress where its API can be reached from elsewhere; absent while it is not known
     * @param slots how many tasks it runs at once
     * @param runningTasks how many its workers run; none for one that is gone
     * @param queueDepth how many more they hold
     * @param clockOffsetMillis how far its own clock is ahead of the database's
     */
    public record StoredNode(
            NodeId id,
            String name,
            NodeState state,
            boolean leads,
            String mode,
            String version,
            Optional<String> httpAddress,
            List<String> capabilities,
            Instant startedAt,
            Duration heartbeatAge,
            int slots,
            int runningTasks,
            int queueDepth,
            long clockOffsetMillis) {}

    /** Where a list of nodes goes on: behind this one. */
    public record Position(Instant startedAt, NodeId node) {}

    /** Nodes, the newest first, those that were given up within the last week among them. */
    public Future<List<StoredNode>> nodes(Optional<NodeState> state, Optional<Position> behind, int limit) {
        return sql.run(
                        LIST_NODES,
                        Tuple.of(
                                leaseMillis,
                                state.map(NodeState::wireName).orElse(null),
                                behind.map(place -> place.startedAt().atOffset(ZoneOffset.UTC))
                                        .orElse(null),
                                behind.map(place -> place.node().value()).orElse(null),
                                limit))
                .map(rows -> Rows.list(rows, ClusterRepository::node));
    }

    private static StoredNode node(Row row) {
        var state = WireNamed.of(NodeState.class, row.getString("state"));
        var gone = state == NodeState.GONE;
        return new StoredNode(
                new NodeId(row.getUUID("id")),
                row.getString("name"),
                state,
                Boolean.TRUE.equals(row.getBoolean("leads")),
                row.getString("mode"),
                row.getString("version"),
                Optional.of(row.getString("http_address")).filter(address -> !address.isEmpty()),
                List.of(row.getArrayOfStrings("capabilities")),
                Rows.time(row, "started_at"),
                Duration.ofMillis(row.getLong("age_ms")),
                row.getInteger("slots"),
                gone ? 0 : row.getInteger("running"),
                gone ? 0 : row.getInteger("queued"),
                row.getLong("clock_offset_ms"));
    }

    /**
     * All nodes as one.
     *
     * @param epoch of the latest leader
     * @param leader absent while nobody leads
     * @param nodes how many beat, those that drain among them
     * @param silentNodes how many do not, and have not been given up yet
     * @param versions of the nodes that beat
     */
    public record Summary(
            UUID id,
            long epoch,
            Optional<NodeId> leader,
            Optional<Instant> leaderSince,
            long nodes,
            long drainingNodes,
            long silentNodes,
            List<String> versions,
            long slots,
            long runningTasks,
            long queueDepth) {}

    public Future<Summary> summary() {
        return sql.run(SUMMARY, Tuple.of(leaseMillis))
                .map(rows -> summary(rows.iterator().next()));
    }

    private static Summary summary(Row row) {
        return new Summary(
                row.getUUID("id"),
                row.getLong("epoch"),
                Optional.ofNullable(row.getUUID("leader")).map(NodeId::new),
                Rows.optionalTime(row, "since"),
                row.getLong("nodes"),
                row.getLong("draining"),
                row.getLong("silent"),
                List.of(row.getArrayOfStrings("versions")),
                row.getLong("slots"),
                row.getLong("running"),
                row.getLong("queued"));
    }

    /** A worker as its node's last heartbeat told; {@code stopped} where that is too long ago. */
    public record StoredWorker(WorkerId id, String activity, int running, int queued) {}

    /** Workers of the nodes that were not given up, those of the newest node first; {@code self} has so many. */
    public Future<List<StoredWorker>> workers(NodeId self, int ownWorkers, int limit, int offset) {
        return sql.run(LIST_WORKERS, Tuple.of(leaseMillis, self.value(), ownWorkers, limit, offset))
                .map(rows -> Rows.list(
                        rows,
                        row -> new StoredWorker(
                                Rows.worker(row).orElseThrow(),
                                row.getString("activity"),
                                row.getInteger("running"),
                                row.getInteger("queued"))));
    }

    /** What asking a node to drain comes to. */
    public enum DrainAsked {
        ASKED,
        GONE,
        UNKNOWN
    }

    /** Asks a node to drain; it is told by its next heartbeat. Fails with {@code CONFLICT} where the key came with another request. */
    public Future<DrainAsked> askDrain(TenantId tenant, NodeId node, Optional<NewRun.Key> key) {
        var parameters = Tuple.of(
                tenant.value(),
                node.value(),
                key.map(NewRun.Key::operation).orElse(null),
                key.map(NewRun.Key::key).orElse(null),
                key.map(NewRun.Key::requestHash).orElse(null));
        return sql.change(Resource.of(Kind.NODE, tenant, node), ASK_DRAIN, parameters)
                .compose(rows -> switch (rows.iterator().next().getString("verdict")) {
                    case "asked", "repeated" -> Future.succeededFuture(DrainAsked.ASKED);
                    case "gone" -> Future.succeededFuture(DrainAsked.GONE);
                    case "unknown" -> Future.succeededFuture(DrainAsked.UNKNOWN);
                    case "conflict" -> Future.failedFuture(IdempotencyRepository.keyTaken());
                    case String other -> throw new IllegalStateException("ask_drain answered " + other);
                });
    }
}
