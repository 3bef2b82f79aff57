package dev.orrery.store;

import dev.orrery.domain.NodeId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Nodes and their heartbeats, and taking back what dead ones held. It speaks JDBC on a connection of its caller: a beat
 * must not wait behind anything else, and runs on a thread of its own.
 */
public final class NodeRepository {

    // language=PostgreSQL
    static final String JOIN_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtext('orrery.nodes'))";

    // language=PostgreSQL
    static final String LIST_ALIVE = """
            SELECT id, name, pid, beat, (extract(epoch FROM clock_timestamp() - beat_at) * 1000)::bigint AS age_ms
            FROM nodes
            WHERE fenced_at IS NULL
            ORDER BY id
            """;

    // language=PostgreSQL
    static final String REGISTER = "INSERT INTO nodes (id, name, pid, mode, version) VALUES (?, ?, ?, ?, ?)";

    // A node that beat meanwhile lives, and is not fenced. UPDATE alone would pass by the claims in flight, which hold
    // the row FOR KEY SHARE: they would be committed behind the back of whoever takes back what the node held.
    // language=PostgreSQL
    static final String FENCE = """
            WITH held AS (SELECT id FROM nodes WHERE id = ? AND beat = ? FOR UPDATE)
            UPDATE nodes n SET fenced_at = clock_timestamp() FROM held WHERE n.id = held.id
            """;

    // language=PostgreSQL
    static final String BEAT = """
            UPDATE nodes SET beat = beat + 1, beat_at = clock_timestamp()
            WHERE id = ? AND fenced_at IS NULL
            RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms
            """;

    // language=PostgreSQL
    static final String LIST_ORPHANED_CLAIMS = """
            SELECT b.node_id, b.fence
            FROM claim_batches b
            WHERE NOT EXISTS (SELECT FROM nodes n WHERE n.id = b.node_id AND n.fenced_at IS NULL)
            ORDER BY b.fence
            """;

    // language=PostgreSQL
    static final String TAKE_BACK = "SELECT give_back(?, ARRAY[?::bigint], NULL, 'lost')";

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

    /** A node that is not fenced, as the database saw it. */
    public record AliveNode(NodeId id, String name, long pid, long beat, long ageMillis) {}

    /** What is registered of a node. */
    public record Registration(NodeId id, String name, long pid, String mode, String version) {}

    private NodeRepository() {}

    /** Holds off other nodes that join, until the transaction ends. */
    public static void lockJoining(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(JOIN_ONE_BY_ONE)) {
            statement.execute();
        }
    }

    public static List<AliveNode> alive(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(LIST_ALIVE);
                var rows = statement.executeQuery()) {
            var nodes = new ArrayList<AliveNode>();
            while (rows.next()) {
                nodes.add(new AliveNode(
                        new NodeId(rows.getObject("id", UUID.class)),
                        rows.getString("name"),
                        rows.getLong("pid"),
                        rows.getLong("beat"),
                        rows.getLong("age_ms")));
            }
            return nodes;
        }
    }

    public static void register(Connection connection, Registration node) throws SQLException {
        try (var statement = connection.prepareStatement(REGISTER)) {
            statement.setObject(1, node.id().value());
            statement.setString(2, node.name());
            statement.setLong(3, node.pid());
            statement.setString(4, node.mode());
            statement.setString(5, node.version());
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

    /** A sign of life; answers the database's time in milliseconds since 1970, or -1 for a node that is fenced. */
    public static long beat(Connection connection, NodeId node) throws SQLException {
        try (var statement = connection.prepareStatement(BEAT)) {
            statement.setObject(1, node.value());
            try (var rows = statement.executeQuery()) {
                return rows.next() ? rows.getLong("now_ms") : -1;
            }
        }
    }

    /** A node's own end: it will neither claim nor report any more. */
    public static void leave(Connection connection, NodeId node) throws SQLException {
        try (var statement = connection.prepareStatement(LEAVE)) {
            statement.setObject(1, node.value());
            statement.executeUpdate();
        }
    }

    /** Makes ready again what fenced nodes had claimed, a batch in each transaction; answers how many batches. */
    public static int takeBackOrphans(Connection connection) throws SQLException {
        var nodes = new ArrayList<UUID>();
        var fences = new ArrayList<Long>();
        try (var statement = connection.prepareStatement(LIST_ORPHANED_CLAIMS);
                var rows = statement.executeQuery()) {
            while (rows.next()) {
                nodes.add(rows.getObject("node_id", UUID.class));
                fences.add(rows.getLong("fence"));
            }
        }
        try (var statement = connection.prepareStatement(TAKE_BACK)) {
            for (var n = 0; n < nodes.size(); n++) {
                statement.setObject(1, nodes.get(n));
                statement.setLong(2, fences.get(n));
                statement.execute();
            }
        }
        return nodes.size();
    }

    /** Forgets nodes that were fenced a week ago. */
    public static void forgetOld(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement(FORGET_OLD_NODES)) {
            statement.executeUpdate();
        }
    }
}
