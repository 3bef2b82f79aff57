package dev.orrery.store;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.store.WorkRepository.Held;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Nodes and their heartbeats, and taking back what dead ones held. It speaks JDBC on a connection of its caller: a beat
 * must not wait behind anything else, and runs on a thread of its own.
 */
public final class NodeRepository {

    // language=PostgreSQL
    static final String JOIN_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtext('orrery.nodes'))";

    // language=PostgreSQL
    static final String LIST_ALIVE = """
            SELECT n.id, n.name, n.pid, n.place, n.http_address, n.beat, n.draining, n.slots,
                   (SELECT coalesce(sum(r.count), 0) FROM unnest(n.worker_running) r(count))::int AS running,
                   (SELECT coalesce(sum(q.count), 0) FROM unnest(n.worker_queued) q(count))::int AS queued,
                   (extract(epoch FROM clock_timestamp() - n.beat_at) * 1000)::bigint AS age_ms
            FROM nodes n
            WHERE n.fenced_at IS NULL AND n.mode <> 'remote'
            ORDER BY n.id
            """;

    // language=PostgreSQL
    static final String LIST_REMOTE = """
            SELECT n.id, n.name, n.beat, n.lease_ms
            FROM nodes n
            WHERE n.mode = 'remote' AND n.fenced_at IS NULL
            """;

    // language=PostgreSQL
    static final String REGISTER = """
            INSERT INTO nodes (id, name, pid, mode, version, place, http_address, capabilities, slots, served_queues)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """;

    // language=PostgreSQL
    static final String DATABASE_ID = "SELECT id FROM orrery.cluster";

    // A node that beat meanwhile lives, and is not fenced. UPDATE alone would pass by the claims in flight, which hold
    // the row FOR KEY SHARE: they would be committed behind the back of whoever takes back what the node held.
    // language=PostgreSQL
    static final String FENCE = """
            WITH held AS (SELECT id FROM nodes WHERE id = ? AND beat = ? FOR UPDATE)
            UPDATE nodes n SET fenced_at = clock_timestamp() FROM held WHERE n.id = held.id
            """;

    // The other nodes as they were when the statement began; a beat is the one round trip in which a node tells how it
    // is
    // and learns how the others are.
    // language=PostgreSQL
    static final String BEAT = """
            WITH own AS (
                UPDATE nodes
                SET beat = beat + 1, beat_at = clock_timestamp(), http_address = ?, clock_offset_ms = ?, draining = ?,
                    worker_activities = ?, worker_running = ?, worker_queued = ?
                WHERE id = ? AND fenced_at IS NULL
                RETURNING id, drain_asked_at IS NOT NULL AS drain_asked
            )
            SELECT o.drain_asked, EXISTS (SELECT FROM cancel_requests c WHERE c.node_id = o.id) AS cancels_asked,
                   (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms, a.*
            FROM own o
            CROSS JOIN (
                %s) a
            """.formatted(LIST_ALIVE.strip());

    // Waits for what the last leader is still writing.
    // language=PostgreSQL
    static final String NEXT_EPOCH = """
            UPDATE leadership
            SET epoch = epoch + 1, node_id = n.id, since = clock_timestamp()
            FROM nodes n
            WHERE n.id = ? AND n.fenced_at IS NULL
            RETURNING epoch
            """;

    // Its successor may be there already.
    // language=PostgreSQL
    static final String END_EPOCH =
            "UPDATE leadership SET node_id = NULL, since = NULL WHERE epoch = ? AND node_id = ?";

    // language=PostgreSQL
    static final String LIST_ORPHANED_CLAIMS = """
            SELECT b.node_id, b.fence
            FROM claim_batches b
            WHERE NOT EXISTS (SELECT FROM nodes n WHERE n.id = b.node_id AND n.fenced_at IS NULL)
            ORDER BY b.fence
            """;

    // Attempts that still run this long after their timeout, by claim.
    // language=PostgreSQL
    static final String LIST_OVERDUE_CLAIMS = """
            SELECT b.node_id, b.fence, array_agg(m.id) AS ids
            FROM claim_batches b
            CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
            JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt AND a.outcome IS NULL
            JOIN task_instances i ON i.id = m.id
            LEFT JOIN dag_tasks t ON t.version_id = i.version_id AND t.task_no = task_no_of(i.id)
            WHERE b.claimed_at < statement_timestamp() - ? * interval '1 millisecond'
              AND a.started_at + (coalesce(t.timeout_ms, i.timeout_ms) + ?) * interval '1 millisecond' < statement_timestamp()
            GROUP BY b.node_id, b.fence
            ORDER BY b.fence
            """;

    // language=PostgreSQL
    static final String TAKE_BACK = """
            WITH held AS MATERIALIZED (SELECT b.ids FROM claim_batches b WHERE b.fence = ? AND b.node_id = ?),
                 taken AS MATERIALIZED (SELECT give_back(?, ARRAY[?::bigint], ?, 'lost') AS queues)
            SELECT t.queues, h.ids FROM taken t LEFT JOIN held h ON true
            """;

    // language=PostgreSQL
    static final String LEAVE = """
            WITH held AS (SELECT id FROM nodes WHERE id = ? AND fenced_at IS NULL FOR UPDATE)
            UPDATE nodes n SET fenced_at = clock_timestamp() FROM held WHERE n.id = held.id
            """;

    // language=PostgreSQL
    static final String FORGET_OLD_NODES = """
            DELETE FROM nodes n
            WHERE n.fenced_at < clock_timestamp() - interval '7 days'
              AND NOT EXISTS (SELECT FROM claim_batches b WHERE b.node_id = n.id)
            """;

    /**
     * A node that is not fenced, as the database saw it.
     *
     * @param place the coordination service by which it finds the others
     * @param running how many tasks its workers run, by its last beat
     * @param queued how many more they hold
     */
    public record AliveNode(
            NodeId id,
            String name,
            long pid,
            String place,
            String httpAddress,
            long beat,
            boolean draining,
            int slots,
            int running,
            int queued,
            long ageMillis) {

        /** How many more tasks it could run at once. */
        public int freeSlots() {
            return draining ? 0 : Math.max(0, slots - running - queued);
        }
    }

    /**
     * What is registered of a node and does not change.
     *
     * @param httpAddress where its API can be reached from elsewhere; empty while it is not known
     * @param slots how many tasks it runs at once
     * @param queues those that it claims from; none means all
     */
    public record Registration(
            NodeId id,
            String name,
            long pid,
            String mode,
            String version,
            String place,
            String httpAddress,
            Collection<String> capabilities,
            int slots,
            Collection<String> queues) {

        /** A node that claims from all queues. */
        public Registration(
                NodeId id,
                String name,
                long pid,
                String mode,
                String version,
                String place,
                String httpAddress,
                Collection<String> capabilities,
                int slots) {
            this(id, name, pid, mode, version, place, httpAddress, capabilities, slots, List.of());
        }

        /** A node without a coordination service. */
        public Registration(NodeId id, String name, long pid, String mode, String version) {
            this(id, name, pid, mode, version, "local", "", List.of(), 0);
        }
    }

    /** What one worker does. */
    public record WorkerLoad(String activity, int running, int queued) {}

    /**
     * What a node tells with each beat.
     *
     * @param clockOffsetMillis how far its own clock is ahead of the database's
     */
    public record Condition(String httpAddress, long clockOffsetMillis, boolean draining, List<WorkerLoad> workers) {

        /** Of a node that has nothing to tell yet. */
        public static final Condition UNKNOWN = new Condition("", 0, false, List.of());

        public Condition withClockOffset(long millis) {
            return new Condition(httpAddress, millis, draining, workers);
        }
    }

    /**
     * What a node is told by its beat.
     *
     * @param nowMillis the database's time, since 1970
     * @param alive all nodes that are not fenced, itself among them
     */
    public record Beat(long nowMillis, boolean drainAsked, boolean cancelsAsked, List<AliveNode> alive) {}

    private NodeRepository() {}

    /** Holds off other nodes that join, until the transaction ends. */
    public static void lockJoining(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(JOIN_ONE_BY_ONE)) {
            statement.execute();
        }
    }

    /** Nodes; remote workers are no nodes, see {@link #remoteMembers}. */
    public static List<AliveNode> alive(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(LIST_ALIVE);
                var rows = statement.executeQuery()) {
            var nodes = new ArrayList<AliveNode>();
            while (rows.next()) {
                nodes.add(aliveNode(rows));
            }
            return nodes;
        }
    }

    private static AliveNode aliveNode(ResultSet row) throws SQLException {
        return new AliveNode(
                new NodeId(row.getObject("id", UUID.class)),
                row.getString("name"),
                row.getLong("pid"),
                row.getString("place"),
                row.getString("http_address"),
                row.getLong("beat"),
                row.getBoolean("draining"),
                row.getInt("slots"),
                row.getInt("running"),
                row.getInt("queued"),
                row.getLong("age_ms"));
    }

    /**
     * A remote worker that was not given up.
     *
     * @param lease how long it may be silent
     */
    public record RemoteMember(NodeId id, String name, long beat, Duration lease) {}

    public static List<RemoteMember> remoteMembers(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(LIST_REMOTE);
                var rows = statement.executeQuery()) {
            var members = new ArrayList<RemoteMember>();
            while (rows.next()) {
                members.add(new RemoteMember(
                        new NodeId(rows.getObject("id", UUID.class)),
                        rows.getString("name"),
                        rows.getLong("beat"),
                        Duration.ofMillis(rows.getInt("lease_ms"))));
            }
            return members;
        }
    }

    /** The id of this database, made with its schema. */
    public static UUID databaseId(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(DATABASE_ID);
                var rows = statement.executeQuery()) {
            rows.next();
            return rows.getObject("id", UUID.class);
        }
    }

    public static void register(Connection connection, Registration node) throws SQLException {
        try (var statement = connection.prepareStatement(REGISTER)) {
            statement.setObject(1, node.id().value());
            statement.setString(2, node.name());
            statement.setLong(3, node.pid());
            statement.setString(4, node.mode());
            statement.setString(5, node.version());
            statement.setString(6, node.place());
            statement.setString(7, node.httpAddress());
            statement.setArray(
                    8, connection.createArrayOf("text", node.capabilities().toArray()));
            statement.setInt(9, node.slots());
            statement.setArray(
                    10, connection.createArrayOf("text", node.queues().toArray()));
            statement.executeUpdate();
        }
    }

    /** Ends a node's right to claim and to report. False where it has beaten since it was seen. */
    public static boolean fence(Connection connection, NodeId node, long seenBeat) throws SQLException {
        try (var statement = connection.prepareStatement(FENCE)) {
            statement.setObject(1, node.value());
            statement.setLong(2, seenBeat);
            return statement.executeUpdate() == 1;
        }
    }

    /** A sign of life; absent for a node that is fenced. */
    public static Optional<Beat> beat(Connection connection, NodeId node, Condition condition) throws SQLException {
        var workers = condition.workers();
        try (var statement = connection.prepareStatement(BEAT)) {
            statement.setString(1, condition.httpAddress());
            statement.setLong(2, condition.clockOffsetMillis());
            statement.setBoolean(3, condition.draining());
            statement.setArray(4, array(connection, "text", workers, WorkerLoad::activity));
            statement.setArray(5, array(connection, "int4", workers, WorkerLoad::running));
            statement.setArray(6, array(connection, "int4", workers, WorkerLoad::queued));
            statement.setObject(7, node.value());
            try (var rows = statement.executeQuery()) {
                return beat(rows);
            }
        }
    }

    private static <T> Array array(Connection connection, String type, List<T> values, Function<T, Object> value)
            throws SQLException {
        return connection.createArrayOf(type, values.stream().map(value).toArray());
    }

    private static Optional<Beat> beat(ResultSet rows) throws SQLException {
        var alive = new ArrayList<AliveNode>();
        var beat = Optional.<Beat>empty();
        while (rows.next()) {
            alive.add(aliveNode(rows));
            if (beat.isEmpty()) {
                beat = Optional.of(new Beat(
                        rows.getLong("now_ms"),
                        rows.getBoolean("drain_asked"),
                        rows.getBoolean("cancels_asked"),
                        alive));
            }
        }
        return beat;
    }

    /** Makes this node the leader, under an epoch of its own; absent for a node that is fenced. */
    public static OptionalLong nextEpoch(Connection connection, NodeId node) throws SQLException {
        try (var statement = connection.prepareStatement(NEXT_EPOCH)) {
            statement.setObject(1, node.value());
            try (var rows = statement.executeQuery()) {
                return rows.next() ? OptionalLong.of(rows.getLong("epoch")) : OptionalLong.empty();
            }
        }
    }

    /** Nobody leads, unless this node's successor does already. */
    public static void endEpoch(Connection connection, NodeId node, long epoch) throws SQLException {
        try (var statement = connection.prepareStatement(END_EPOCH)) {
            statement.setLong(1, epoch);
            statement.setObject(2, node.value());
            statement.executeUpdate();
        }
    }

    /** A node's own end: it will neither claim nor report any more. */
    public static void leave(Connection connection, NodeId node) throws SQLException {
        try (var statement = connection.prepareStatement(LEAVE)) {
            statement.setObject(1, node.value());
            statement.executeUpdate();
        }
    }

    /**
     * What was taken back.
     *
     * @param batches how many claim batches
     * @param readyQueues where tasks became ready by it
     * @param claims what was in these batches, or had been
     */
    public record TakenBack(int batches, Set<String> readyQueues, List<Held> claims) {}

    /** Makes ready again what fenced and unknown nodes had claimed, a batch in each transaction. */
    public static TakenBack takeBackOrphans(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(LIST_ORPHANED_CLAIMS);
                var rows = statement.executeQuery()) {
            var claims = new ArrayList<Claims>();
            while (rows.next()) {
                claims.add(new Claims(rows.getObject("node_id", UUID.class), rows.getLong("fence"), null));
            }
            return takeBack(connection, claims);
        }
    }

    /** Makes ready again, a batch in each transaction, what still runs so long after its timeout. */
    public static TakenBack takeBackOverdue(Connection connection, Duration pastTimeout) throws SQLException {
        try (var statement = connection.prepareStatement(LIST_OVERDUE_CLAIMS)) {
            statement.setLong(1, pastTimeout.toMillis());
            statement.setLong(2, pastTimeout.toMillis());
            try (var rows = statement.executeQuery()) {
                var claims = new ArrayList<Claims>();
                while (rows.next()) {
                    claims.add(new Claims(
                            rows.getObject("node_id", UUID.class), rows.getLong("fence"), rows.getArray("ids")));
                }
                return takeBack(connection, claims);
            }
        }
    }

    /** Claims under one fence: these tasks, or null for all that are open. */
    private record Claims(UUID node, long fence, @Nullable Array ids) {}

    private static TakenBack takeBack(Connection connection, List<Claims> claims) throws SQLException {
        var queues = new HashSet<String>();
        var held = new ArrayList<Held>();
        try (var statement = connection.prepareStatement(TAKE_BACK)) {
            for (var claim : claims) {
                statement.setLong(1, claim.fence());
                statement.setObject(2, claim.node());
                statement.setObject(3, claim.node());
                statement.setLong(4, claim.fence());
                statement.setArray(5, claim.ids());
                try (var rows = statement.executeQuery()) {
                    rows.next();
                    Collections.addAll(queues, (String[]) rows.getArray(1).getArray());
                    var ids = rows.getArray(2);
                    for (var id : ids == null ? new UUID[0] : (UUID[]) ids.getArray()) {
                        held.add(new Held(new TaskInstanceId(id), claim.fence()));
                    }
                }
            }
        }
        return new TakenBack(claims.size(), queues, held);
    }

    /** Forgets nodes that were fenced a week ago. */
    public static void forgetOld(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(FORGET_OLD_NODES)) {
            statement.executeUpdate();
        }
    }
}
