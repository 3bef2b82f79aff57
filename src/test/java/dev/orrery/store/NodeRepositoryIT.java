package dev.orrery.store;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.store.NodeRepository.Condition;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NodeRepositoryIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());

    private final NodeId node = new NodeId(IDS.next(System.currentTimeMillis()));
    private TestDatabase database;
    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        database = Postgres.freshDatabase();
        connection = database.connect();
        NodeRepository.register(connection, new Registration(node, "n", 1, "standalone", "x"));
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @Test
    void aNodeThatHasBeatenSinceItWasSeenIsNotFenced() throws SQLException {
        var seen = NodeRepository.alive(connection).getFirst().beat();

        assertThat(NodeRepository.beat(connection, node, Condition.UNKNOWN)).isPresent();

        assertThat(NodeRepository.fence(connection, node, seen)).isFalse();
        assertThat(NodeRepository.alive(connection)).hasSize(1);
        assertThat(NodeRepository.fence(connection, node, seen + 1)).isTrue();
    }

    @Test
    void aFencedNodeIsToldByItsNextBeat() throws SQLException {
        NodeRepository.fence(connection, node, 0);

        assertThat(NodeRepository.beat(connection, node, Condition.UNKNOWN)).isEmpty();
        assertThat(NodeRepository.alive(connection)).isEmpty();
    }

    @Test
    void aNodeThatLeavesIsNoLongerAmongThoseAlive() throws SQLException {
        NodeRepository.leave(connection, node);

        assertThat(NodeRepository.alive(connection)).isEmpty();
        assertThat(NodeRepository.beat(connection, node, Condition.UNKNOWN)).isEmpty();
    }

    @Test
    void aFenceWaitsForClaimsInFlightSoThatTheyAreTakenBackToo() throws Exception {
        execute(
                connection,
                "INSERT INTO task_ready (id, queue, latest_start, version_id) VALUES"
                        + " ('01890a5d-ac96-7000-8000-000000000001', 'default', now(), 1)");
        try (var claiming = database.connect()) {
            claiming.setAutoCommit(false);
            execute(claiming, "SELECT claim_ready('" + node + "', ARRAY['default'], 1)");

            var fenced = CompletableFuture.supplyAsync(this::fence);
            until(
                    "the fence waits",
                    () -> database.value("SELECT count(*) FROM pg_stat_activity WHERE"
                                    + " datname = current_database() AND wait_event_type = 'Lock'")
                            .equals("1"));
            claiming.commit();

            assertThat(fenced.get(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(NodeRepository.takeBackOrphans(connection).batches()).isEqualTo(1);
    }

    @Test
    void aBeatWaitsForNoClaim() throws Exception {
        try (var claiming = database.connect()) {
            claiming.setAutoCommit(false);
            execute(claiming, "SELECT claim_ready('" + node + "', ARRAY['default'], 1)");
            execute(connection, "SET lock_timeout = '2s'");

            assertThat(NodeRepository.beat(connection, node, Condition.UNKNOWN)).isPresent();
        }
    }

    private boolean fence() {
        try {
            return NodeRepository.fence(connection, node, 0);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
