package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.NodeRepository.Condition;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.WorkRepository;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Nodes that want to work alone on one database. */
class MembershipIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final boolean BY_LOCK = true;
    private static final boolean BY_SILENCE = false;

    private TestDatabase database;
    private final AtomicInteger fenced = new AtomicInteger();
    private final AtomicInteger connects = new AtomicInteger();
    private final List<Membership> joined = new ArrayList<>();
    private volatile Membership.Connector network = _ -> database.connect();

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
    }

    @AfterEach
    void close() {
        network = _ -> database.connect();
        joined.forEach(Membership::close);
        database.close();
    }

    @Test
    void aSecondNodeIsRefusedWhileTheFirstOneBeatsAndIsToldWhoThatIs() {
        var first = join("first", BY_SILENCE);

        assertThatThrownBy(() -> join("second", BY_SILENCE))
                .isInstanceOf(StartupException.class)
                .hasMessageMatching("another standalone node works on this database: first, pid 4711, last heartbeat"
                        + " -?\\d+ ms ago; stop it first, or give this node a database of its own");

        assertThat(fenced).hasValue(0);
        assertThat(alive()).isEqualTo(first.node().toString());
    }

    @Test
    void theRefusalLeavesNothingBehind() {
        join("first", BY_SILENCE);

        assertThatThrownBy(() -> join("second", BY_SILENCE)).isInstanceOf(StartupException.class);

        assertThat(database.value("SELECT count(*) FROM nodes")).isEqualTo("1");
    }

    @Test
    void aNodeThatIsSilentForALeaseIsFencedAndWhatItHeldIsReadyAtOnce() throws SQLException {
        var silent = register("silent");
        Graphs.publish(database, Graphs.tasks("a", "b"));
        hold(silent);

        var next = join("next", BY_SILENCE);

        assertThat(alive()).isEqualTo(next.node().toString());
        assertThat(database.value("SELECT count(*) FROM claim_batches")).isEqualTo("0");
        assertThat(database.value("SELECT count(*) FROM task_ready")).isEqualTo("2");
        try (var connection = database.connect()) {
            assertThat(NodeRepository.beat(connection, silent, Condition.UNKNOWN))
                    .isEmpty();
        }
    }

    @Test
    void aNodeThatWakesUpAfterAnotherTookOverIsToldAndStopsBeating() {
        var slept = join("slept", BY_SILENCE);
        network = _ -> {
            throw new SQLException("unreachable");
        };
        cutConnections();
        until("a beat failed", () -> connects.get() > 2);
        // Its successor need not wait for the lease here.
        execute("UPDATE nodes SET fenced_at = now()");

        network = _ -> database.connect();
        until("it is told", () -> fenced.get() == 1);

        var before = database.value("SELECT beat FROM nodes WHERE id = '" + slept.node() + "'");
        slept.close();
        assertThat(database.value("SELECT beat FROM nodes WHERE id = '" + slept.node() + "'"))
                .isEqualTo(before);
        assertThat(fenced).hasValue(1);
    }

    @Test
    void aLockThatProvesTheOthersDeadSparesTheWait() {
        register("dead");
        var began = System.nanoTime();

        var next = join("next", BY_LOCK);

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Membership.LEASE);
        assertThat(alive()).isEqualTo(next.node().toString());
    }

    @Test
    void remoteWorkersAreInNobodysWayAndAreGivenUpByTheirOwnLease() throws SQLException {
        var silent = remote("silent");
        var living = remote("living");
        Graphs.publish(database, Graphs.tasks("a", "b"));
        execute("UPDATE dag_tasks SET timeout_ms = 600000");
        hold(silent);
        var began = System.nanoTime();

        var node = join("node", BY_SILENCE);

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Membership.LEASE);
        assertThat(node.alive()).extracting(AliveNode::id).containsExactly(node.node());
        assertThat(database.value("SELECT count(*) FROM claim_batches"))
                .as("since nobody was there to hear it")
                .isEqualTo("1");
        until("what it held is ready", () -> {
            execute("SELECT beat_remote(ARRAY['" + living + "'::uuid])");
            return database.value("SELECT count(*) FROM task_ready").equals("2");
        });
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofSeconds(2));
        assertThat(alive().split(",")).containsExactlyInAnyOrder(node.node().toString(), living.toString());
    }

    @Test
    void aNodeThatSignedOffIsNotWaitedFor() {
        var first = join("first", BY_SILENCE);
        first.close();
        var began = System.nanoTime();

        var next = join("next", BY_SILENCE);

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Membership.LEASE);
        assertThat(alive()).isEqualTo(next.node().toString());
        assertThat(fenced).as("who leaves is not fenced").hasValue(0);
    }

    @Test
    void ofTwoThatStartTogetherOneIsRefused() throws Exception {
        var one = CompletableFuture.supplyAsync(() -> joins("one"));
        var two = CompletableFuture.supplyAsync(() -> joins("two"));

        assertThat(List.of(one.get(30, TimeUnit.SECONDS), two.get(30, TimeUnit.SECONDS)))
                .containsExactlyInAnyOrder(true, false);
        assertThat(database.value("SELECT count(*) FROM nodes WHERE fenced_at IS NULL"))
                .isEqualTo("1");
    }

    @Test
    void aLostConnectionIsOpenedAgainAndTheBeatGoesOn() {
        var node = join("node", BY_SILENCE);
        until("it beats", () -> beat(node) > 1);
        var seen = beat(node);
        var before = connects.get();

        cutConnections();

        until("it goes on", () -> beat(node) > seen + 2);
        assertThat(connects.get())
                .as("that of the heartbeat, and that which looks after others")
                .isEqualTo(before + 2);
        assertThat(fenced).hasValue(0);
    }

    @Test
    void aBeatThatFailsInAnUnforeseenWayIsNotTheLast() {
        var node = join("node", BY_SILENCE);
        network = _ -> {
            throw new IllegalStateException("unforeseen");
        };
        cutConnections();
        until("a beat failed", () -> connects.get() > 3);
        var seen = beat(node);

        network = _ -> database.connect();

        until("it goes on", () -> beat(node) > seen + 1);
    }

    @Test
    void theDatabasesClockMayJumpWithoutAnyoneBeingTakenForDeadOrAlive() {
        // Its last beat seems to come from the future: the counter tells that it is silent.
        register("silent");
        execute("UPDATE nodes SET beat_at = now() + interval '1 day'");
        var first = join("first", BY_SILENCE);

        // Its last beat seems to be of yesterday: the counter tells that it lives.
        execute("UPDATE nodes SET beat_at = now() - interval '1 day' WHERE fenced_at IS NULL");
        assertThatThrownBy(() -> join("second", BY_SILENCE)).isInstanceOf(StartupException.class);

        assertThat(alive()).isEqualTo(first.node().toString());
        assertThat(fenced).hasValue(0);
    }

    @Test
    void howFarItsClockIsOffTheDatabasesIsToldWithItsHeartbeats() {
        execute("CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql"
                + " AS 'SELECT pg_catalog.clock_timestamp() - interval ''1 hour'''");
        network = _ -> {
            var connection = database.connect();
            try (var statement = connection.createStatement()) {
                statement.execute("SELECT set_config('search_path', current_schema() || ', pg_catalog', false)");
            }
            return connection;
        };

        join("ahead", BY_LOCK);

        until(
                "it tells",
                () -> database.value("SELECT clock_offset_ms BETWEEN 3590000 AND 3610000 FROM nodes")
                        .equals("t"));
    }

    private boolean joins(String name) {
        try {
            join(name, BY_SILENCE);
            return true;
        } catch (StartupException refused) {
            assertThat(refused).hasMessageContaining("another standalone node");
            return false;
        }
    }

    private Membership join(String name, boolean aloneByLock) {
        var id = new NodeId(IDS.next(System.currentTimeMillis()));
        var membership = Membership.joinAlone(
                this::connect,
                new Registration(id, name, 4711, "standalone", "1"),
                aloneByLock,
                new LocalCoordination(),
                new Host());
        synchronized (joined) {
            joined.add(membership);
        }
        return membership;
    }

    /** A node that does nothing but be there. */
    private final class Host implements Membership.Host {

        @Override
        public Condition condition() {
            return Condition.UNKNOWN;
        }

        @Override
        public boolean isWorking() {
            return true;
        }

        @Override
        public void fenced() {
            fenced.incrementAndGet();
        }

        @Override
        public void mustStopRunning() {}

        @Override
        public void drainAsked() {}

        @Override
        public void cancelsAsked() {}

        @Override
        public void tookBack(Set<String> queues, Collection<WorkRepository.Held> claims) {}
    }

    private Connection connect(Duration answerLimit) throws SQLException {
        connects.incrementAndGet();
        return network.connect(answerLimit);
    }

    /** A node that was there and does not beat. */
    private NodeId register(String name) {
        var id = new NodeId(IDS.next(System.currentTimeMillis()));
        try (var connection = database.connect()) {
            NodeRepository.register(connection, new Registration(id, name, 4711, "standalone", "1"));
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
        return id;
    }

    /** A remote worker with a lease of two seconds, which was last heard of yesterday. */
    private NodeId remote(String name) {
        var id = new NodeId(IDS.next(System.currentTimeMillis()));
        execute("SELECT register_remote(1, '" + id + "', '" + name
                + "', '', '{x}', 1, 2000, 'hash', 9, NULL, NULL, NULL)");
        execute("UPDATE nodes SET beat_at = now() - interval '1 day'");
        return id;
    }

    /** Lets the node claim two tasks of a run. */
    private void hold(NodeId node) {
        execute("SELECT create_runs(ARRAY['01890a5d-ac96-7000-8000-000000000000'::uuid], ARRAY[1], ARRAY[id],"
                + " ARRAY['api'], ARRAY[NULL]::text[], ARRAY[NULL]::timestamptz[], ARRAY[NULL]::text[],"
                + " ARRAY[NULL]::text[], ARRAY[NULL]::text[]) FROM dags");
        execute("SELECT claim_ready('" + node + "', ARRAY['default'], 10)");
        assertThat(database.value("SELECT open_count FROM claim_batches")).isEqualTo("2");
    }

    private void cutConnections() {
        execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND pid <> pg_backend_pid()");
    }

    private String alive() {
        return database.value("SELECT string_agg(id::text, ',') FROM nodes WHERE fenced_at IS NULL");
    }

    private long beat(Membership node) {
        return Long.parseLong(database.value("SELECT beat FROM nodes WHERE id = '" + node.node() + "'"));
    }

    private void execute(String sql) {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }
}
