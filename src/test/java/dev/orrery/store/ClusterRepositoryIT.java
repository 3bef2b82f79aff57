package dev.orrery.store;

import static dev.orrery.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.NodeState;
import dev.orrery.domain.TenantId;
import dev.orrery.domain.WorkerId;
import dev.orrery.store.ClusterRepository.DrainAsked;
import dev.orrery.store.ClusterRepository.Position;
import dev.orrery.store.ClusterRepository.StoredNode;
import dev.orrery.store.ClusterRepository.StoredWorker;
import dev.orrery.store.NodeRepository.Condition;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.NodeRepository.WorkerLoad;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ClusterRepositoryIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final Duration LEASE = Duration.ofSeconds(5);
    private static final TenantId TENANT = new TenantId(1);

    private final Vertx vertx = Vertx.vertx();
    private TestDatabase database;
    private Connection connection;
    private Pools pools;
    private ClusterRepository cluster;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = database.connect();
        pools = Pools.open(vertx, database.connectOptions(), 4, 100);
        cluster = new ClusterRepository(vertx, pools.api(), LEASE);
    }

    @AfterEach
    void close() throws SQLException {
        await(pools.close());
        await(vertx.close());
        connection.close();
        database.close();
    }

    @Test
    void aNodeIsShownAsItsLastHeartbeatTold() throws SQLException {
        var node = joined("a");
        beat(node, new WorkerLoad("running", 2, 3), new WorkerLoad("idle", 0, 1));

        var shown = nodes().getFirst();

        assertThat(shown.id()).isEqualTo(node);
        assertThat(shown.name()).isEqualTo("a");
        assertThat(shown.state()).isEqualTo(NodeState.WORKING);
        assertThat(shown.leads()).isFalse();
        assertThat(shown.mode()).isEqualTo("cluster");
        assertThat(shown.version()).isEqualTo("x");
        assertThat(shown.httpAddress()).contains("http://a:1");
        assertThat(shown.capabilities()).containsExactly("http", "shell");
        assertThat(shown.heartbeatAge()).isBetween(Duration.ZERO, Duration.ofSeconds(4));
        assertThat(shown.slots()).isEqualTo(8);
        assertThat(shown.runningTasks()).isEqualTo(2);
        assertThat(shown.queueDepth()).isEqualTo(4);
        assertThat(shown.clockOffsetMillis()).isEqualTo(-7);
    }

    @Test
    void aNodeIsWorkingThenDrainingThenSilentThenGone() throws SQLException {
        var node = joined("a");
        beat(node, new WorkerLoad("running", 1, 0));
        assertThat(nodes().getFirst().state()).isEqualTo(NodeState.WORKING);

        await(cluster.askDrain(TENANT, node, Optional.empty()));
        assertThat(nodes().getFirst().state()).isEqualTo(NodeState.DRAINING);

        silence(node);
        assertThat(nodes().getFirst().state()).isEqualTo(NodeState.SILENT);
        assertThat(nodes().getFirst().heartbeatAge()).isGreaterThan(LEASE);
        assertThat(nodes().getFirst().runningTasks()).isEqualTo(1);

        NodeRepository.leave(connection, node);
        assertThat(nodes().getFirst().state()).isEqualTo(NodeState.GONE);
        assertThat(nodes().getFirst().runningTasks()).isZero();
    }

    @Test
    void nodesAreListedNewestFirstAndInParts() throws SQLException {
        var first = joined("a");
        var second = joined("b");
        var third = joined("c");
        execute("UPDATE nodes SET started_at = '2026-01-01T00:00:00.000001Z' WHERE name IN ('a', 'b')");

        var all = nodes();
        var part = await(cluster.nodes(Optional.empty(), Optional.empty(), 2));
        var rest = await(cluster.nodes(Optional.empty(), Optional.of(position(part.getLast())), 2));

        assertThat(ids(all)).startsWith(third).containsExactlyInAnyOrder(first, second, third);
        assertThat(ids(part)).isEqualTo(ids(all).subList(0, 2));
        assertThat(ids(rest)).isEqualTo(ids(all).subList(2, 3));
    }

    @Test
    void nodesOfAStateAreListedAlone() throws SQLException {
        var gone = joined("a");
        var working = joined("b");
        NodeRepository.leave(connection, gone);

        assertThat(ids(await(cluster.nodes(Optional.of(NodeState.WORKING), Optional.empty(), 9))))
                .containsExactly(working);
        assertThat(ids(await(cluster.nodes(Optional.of(NodeState.GONE), Optional.empty(), 9))))
                .containsExactly(gone);
        assertThat(await(cluster.nodes(Optional.of(NodeState.SILENT), Optional.empty(), 9)))
                .isEmpty();
    }

    @Test
    void theSummaryCountsThoseThatBeat() throws SQLException {
        var leader = joined("a");
        beat(leader, new WorkerLoad("running", 2, 3));
        var other = joined("b");
        beat(other, new WorkerLoad("running", 1, 5));
        var silent = joined("c");
        beat(silent, new WorkerLoad("running", 4, 4));
        silence(silent);
        NodeRepository.leave(connection, joined("d"));
        NodeRepository.nextEpoch(connection, leader);

        var all = await(cluster.summary());

        assertThat(all.id()).isEqualTo(NodeRepository.databaseId(connection));
        assertThat(all.leader()).contains(leader);
        assertThat(all.epoch()).isEqualTo(1);
        assertThat(all.leaderSince()).isPresent();
        assertThat(all.nodes()).isEqualTo(2);
        assertThat(all.silentNodes()).isEqualTo(1);
        assertThat(all.drainingNodes()).isZero();
        assertThat(all.versions()).containsExactly("x");
        assertThat(all.slots()).isEqualTo(16);
        assertThat(all.runningTasks()).isEqualTo(3);
        assertThat(all.queueDepth()).isEqualTo(8);
    }

    @Test
    void aClusterWithoutNodesHasASummaryToo() {
        var all = await(cluster.summary());

        assertThat(all.nodes()).isZero();
        assertThat(all.versions()).isEmpty();
        assertThat(all.leader()).isEmpty();
        assertThat(all.leaderSince()).isEmpty();
    }

    @Test
    void aNodeThatDrainsOrFellSilentIsNoLeader() throws SQLException {
        var node = joined("a");
        NodeRepository.nextEpoch(connection, node);
        assertThat(nodes().getFirst().leads()).isTrue();

        await(cluster.askDrain(TENANT, node, Optional.empty()));
        assertThat(nodes().getFirst().leads()).isFalse();
        assertThat(await(cluster.summary()).leader()).isEmpty();

        execute("UPDATE nodes SET drain_asked_at = NULL");
        silence(node);
        assertThat(nodes().getFirst().leads()).isFalse();
        assertThat(await(cluster.summary()).leader()).isEmpty();
        assertThat(await(cluster.summary()).epoch()).isEqualTo(1);
    }

    @Test
    void workersOfAllNodesAreListedNewestFirst() throws SQLException {
        var older = joined("a");
        beat(older, new WorkerLoad("running", 2, 3), new WorkerLoad("idle", 0, 0));
        var self = joined("b");
        NodeRepository.leave(connection, joined("c"));

        var workers = await(cluster.workers(self, 2, 100, 0));

        assertThat(workers)
                .containsExactly(
                        new StoredWorker(WorkerId.of(self, 2), "stopped", 0, 0),
                        new StoredWorker(WorkerId.of(self, 1), "stopped", 0, 0),
                        new StoredWorker(WorkerId.of(older, 2), "idle", 0, 0),
                        new StoredWorker(WorkerId.of(older, 1), "running", 2, 3));
        assertThat(await(cluster.workers(self, 2, 2, 1))).isEqualTo(workers.subList(1, 3));
    }

    @Test
    void workersOfASilentNodeAreStopped() throws SQLException {
        var node = joined("a");
        beat(node, new WorkerLoad("running", 2, 3));
        silence(node);

        assertThat(await(cluster.workers(joined("self"), 0, 100, 0)))
                .containsExactly(new StoredWorker(WorkerId.of(node, 1), "stopped", 2, 3));
    }

    @Test
    void aNodeThatIsAskedToDrainIsToldByItsNextHeartbeat() throws SQLException {
        var node = joined("a");
        assertThat(beat(node).drainAsked()).isFalse();

        assertThat(await(cluster.askDrain(TENANT, node, Optional.empty()))).isEqualTo(DrainAsked.ASKED);
        var askedAt = database.value("SELECT drain_asked_at FROM orrery.nodes");
        assertThat(await(cluster.askDrain(TENANT, node, Optional.empty()))).isEqualTo(DrainAsked.ASKED);

        assertThat(beat(node).drainAsked()).isTrue();
        assertThat(database.value("SELECT drain_asked_at FROM orrery.nodes")).isEqualTo(askedAt);
    }

    @Test
    void whoIsGoneOrUnknownCannotDrain() throws SQLException {
        var gone = joined("a");
        NodeRepository.leave(connection, gone);

        assertThat(await(cluster.askDrain(TENANT, gone, Optional.empty()))).isEqualTo(DrainAsked.GONE);
        assertThat(await(cluster.askDrain(TENANT, newId(), Optional.empty()))).isEqualTo(DrainAsked.UNKNOWN);
    }

    @Test
    void aKeyIsAnsweredAlikeAndOnlyForItsOwnRequest() throws SQLException {
        var node = joined("a");
        var key = Optional.of(new NewRun.Key("drainNode", "k", "h"));
        assertThat(await(cluster.askDrain(TENANT, node, key))).isEqualTo(DrainAsked.ASKED);
        NodeRepository.leave(connection, node);

        assertThat(await(cluster.askDrain(TENANT, node, key))).isEqualTo(DrainAsked.ASKED);
        assertThatThrownBy(() ->
                        await(cluster.askDrain(TENANT, node, Optional.of(new NewRun.Key("drainNode", "k", "other")))))
                .hasMessageContaining("Idempotency-Key");
    }

    @Test
    void aRequestThatWasRefusedDoesNotUseUpItsKey() throws SQLException {
        var key = Optional.of(new NewRun.Key("drainNode", "k", "h"));
        var node = newId();
        assertThat(await(cluster.askDrain(TENANT, node, key))).isEqualTo(DrainAsked.UNKNOWN);

        register(node, "late");

        assertThat(await(cluster.askDrain(TENANT, node, key))).isEqualTo(DrainAsked.ASKED);
        assertThat(beat(node).drainAsked()).isTrue();
    }

    private static NodeId newId() {
        return new NodeId(IDS.next(System.currentTimeMillis()));
    }

    private NodeId joined(String name) throws SQLException {
        var node = newId();
        register(node, name);
        return node;
    }

    private void register(NodeId node, String name) throws SQLException {
        NodeRepository.register(
                connection,
                new Registration(
                        node, name, 1, "cluster", "x", "here", "http://" + name + ":1", List.of("http", "shell"), 8));
    }

    private NodeRepository.Beat beat(NodeId node, WorkerLoad... workers) throws SQLException {
        return NodeRepository.beat(connection, node, new Condition("http://a:1", -7, false, List.of(workers)))
                .orElseThrow();
    }

    private void silence(NodeId node) throws SQLException {
        execute("UPDATE nodes SET beat_at = beat_at - interval '6 seconds' WHERE id = '" + node + "'");
    }

    private List<StoredNode> nodes() {
        return await(cluster.nodes(Optional.empty(), Optional.empty(), 100));
    }

    private static List<NodeId> ids(List<StoredNode> nodes) {
        return nodes.stream().map(StoredNode::id).toList();
    }

    private static Position position(StoredNode node) {
        return new Position(node.startedAt(), node.id());
    }

    private void execute(String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
