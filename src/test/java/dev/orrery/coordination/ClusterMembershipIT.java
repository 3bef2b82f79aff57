package dev.orrery.coordination;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.orrery.config.EtcdConfig;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.NodeRepository.Condition;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.WorkRepository;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.Graphs;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.Proxy;
import dev.orrery.testing.TestDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Several nodes on one database and one etcd, each with its own lines to both. */
class ClusterMembershipIT {

    private static final IdSequence IDS = new IdSequence(System.nanoTime());
    private static final AtomicInteger PREFIXES = new AtomicInteger();
    private static Etcd etcd;

    private final String prefix = "/orrery/membership" + PREFIXES.incrementAndGet();
    private final List<TestNode> nodes = new ArrayList<>();
    private TestDatabase database;

    @BeforeAll
    static void start() {
        etcd = Etcd.start(1);
    }

    @AfterAll
    static void stop() {
        etcd.close();
    }

    @BeforeEach
    void open() {
        database = Postgres.freshDatabase();
    }

    @AfterEach
    void close() throws IOException {
        for (var node : nodes) {
            node.toDatabase.pass();
            node.toEtcd.pass();
            node.close();
        }
        database.close();
    }

    /** A node that does nothing but be there. */
    private final class TestNode implements Membership.Host {

        private final NodeId id = new NodeId(IDS.next(System.currentTimeMillis()));
        private final String address;
        private final Proxy toDatabase;
        private final Proxy toEtcd;
        private final Coordination coordination;
        private final AtomicInteger fenced = new AtomicInteger();
        private final AtomicInteger drains = new AtomicInteger();
        private final AtomicInteger tookBack = new AtomicInteger();
        private final AtomicLong stoppedAt = new AtomicLong();
        private volatile boolean working = true;
        private Membership membership;

        TestNode(String name, String address) throws IOException {
            this.address = address;
            toDatabase = new Proxy("127.0.0.1", database.port());
            toEtcd = new Proxy("127.0.0.1", etcd.member(1).port());
            coordination = EtcdCoordination.connect(new EtcdConfig(
                    List.of("http://127.0.0.1:" + toEtcd.port()),
                    prefix,
                    "",
                    "",
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(8),
                    "",
                    "",
                    ""));
            nodes.add(this);
            coordination.join(new Member(id, name, "1", address, "127.0.0.1", 7000, List.of()));
            join(name, coordination.place());
        }

        private void join(String name, String place) {
            membership = Membership.joinCluster(
                    this::connect,
                    new Registration(id, name, 4711, "cluster", "1", place, address, List.of("shell"), 8),
                    coordination,
                    this);
        }

        private Connection connect(Duration answerLimit) throws SQLException {
            var properties = new Properties();
            properties.setProperty("user", database.connectOptions().getUser());
            properties.setProperty("password", database.connectOptions().getPassword());
            properties.setProperty("connectTimeout", "1");
            properties.setProperty("socketTimeout", Long.toString(Math.max(1, answerLimit.toSeconds())));
            properties.setProperty("currentSchema", "orrery");
            var url = "jdbc:postgresql://127.0.0.1:" + toDatabase.port() + "/"
                    + database.connectOptions().getDatabase();
            return DriverManager.getConnection(url, properties);
        }

        @Override
        public Condition condition() {
            return new Condition(address, 0, false, List.of());
        }

        @Override
        public boolean isWorking() {
            return working;
        }

        @Override
        public void fenced() {
            fenced.incrementAndGet();
        }

        @Override
        public void mustStopRunning() {
            stoppedAt.compareAndSet(0, System.nanoTime());
        }

        @Override
        public void drainAsked() {
            drains.incrementAndGet();
        }

        @Override
        public void cancelsAsked() {}

        @Override
        public void tookBack(Set<String> queues, Collection<WorkRepository.Held> claims) {
            tookBack.incrementAndGet();
        }

        boolean hasStopped() {
            return stoppedAt.get() != 0;
        }

        void close() throws IOException {
            if (membership != null) {
                membership.close();
            }
            coordination.close();
            toDatabase.close();
            toEtcd.close();
        }
    }

    @Test
    void nodesJoinBesideEachOtherAndSeeEachOther() throws IOException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");

        until("one sees both", () -> one.membership.alive().size() == 2);
        assertThat(two.membership.alive()).extracting(node -> node.name()).containsExactlyInAnyOrder("one", "two");
        assertThat(one.membership.trust().holds()).isTrue();
    }

    @Test
    void aNodeThatIsCutOffFromTheDatabaseEndsItsWorkBeforeItIsFencedAndComesToKnowIt() throws IOException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");
        hold(two);

        two.toDatabase.blackHole();
        var began = System.nanoTime();
        until("it does not trust itself", () -> !two.membership.trust().holds());
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Membership.LEASE);
        assertThat(one.membership.fencedOthers()).isZero();
        until("it ends what runs", two::hasStopped);
        until("it is fenced", () -> one.membership.fencedOthers() == 1);

        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(10));
        assertThat(fencedAfter(two)).as("its work ended before").isTrue();
        until("its work is ready", () -> one.tookBack.get() > 0);
        assertThat(database.value("SELECT count(*) FROM task_ready")).isEqualTo("2");
        assertThat(two.fenced).hasValue(0);
        two.toDatabase.pass();
        until("it is told", () -> two.fenced.get() == 1);
        assertThat(one.hasStopped()).isFalse();
    }

    @Test
    void anOutageOfTheDatabaseAloneEndsNobodysWork() throws Exception {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");

        one.toDatabase.cut();
        two.toDatabase.cut();
        until(
                "nobody may begin anything",
                () -> !one.membership.trust().holds() && !two.membership.trust().holds());
        var began = System.nanoTime();
        until(
                "it goes on for two leases",
                Duration.ofSeconds(30),
                () -> System.nanoTime() - began
                        > Membership.LEASE.multipliedBy(2).toNanos());

        assertThat(one.hasStopped() || two.hasStopped()).isFalse();
        one.toDatabase.pass();
        two.toDatabase.pass();
        until(
                "all is as before",
                () -> one.membership.trust().holds() && two.membership.trust().holds());
        assertThat(one.membership.fencedOthers() + two.membership.fencedOthers())
                .isZero();
    }

    @Test
    void anOutageOfEtcdAloneChangesNothing() throws IOException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");

        one.toEtcd.blackHole();
        two.toEtcd.blackHole();
        var began = System.nanoTime();
        until("it goes on for two leases", Duration.ofSeconds(30), () -> {
            assertThat(one.membership.trust().holds()).isTrue();
            assertThat(two.membership.trust().holds()).isTrue();
            return System.nanoTime() - began > Membership.LEASE.multipliedBy(2).toNanos();
        });

        assertThat(one.hasStopped() || two.hasStopped()).isFalse();
    }

    @Test
    void aNodeThatIsCutOffFromEverythingEndsItsWorkAtTheEndOfItsTrustAndIsFencedLater() throws IOException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");

        two.toEtcd.blackHole();
        two.toDatabase.blackHole();
        var began = System.nanoTime();
        until("it ends what runs", two::hasStopped);
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Membership.LEASE);
        until("it is fenced", () -> one.membership.fencedOthers() == 1);

        assertThat(fencedAfter(two)).isTrue();
    }

    @Test
    void whereTheMarkCannotBeWrittenTheSilentOneIsGivenALeaseMore() throws IOException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");
        one.toEtcd.blackHole();

        two.toDatabase.blackHole();
        var began = System.nanoTime();
        until("it is fenced", () -> one.membership.fencedOthers() == 1);

        assertThat(Duration.ofNanos(System.nanoTime() - began))
                .isGreaterThan(Membership.LEASE.multipliedBy(2).minusSeconds(1));
    }

    @Test
    void aNodeWhoseRouterHangsDoesNotLookAlive() throws IOException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");

        two.working = false;

        until("it is fenced", () -> one.membership.fencedOthers() == 1);
        two.working = true;
        until("it is told", () -> two.fenced.get() == 1);
    }

    @Test
    void aNodeWithAnotherEtcdOrTheAddressOfAnotherIsRefused() throws IOException {
        var one = new TestNode("one", "http://10.0.0.1:8080");

        assertThatThrownBy(() -> new TestNode("two", "http://10.0.0.1:8080"))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("another node of this cluster is at http://10.0.0.1:8080: one, pid 4711");
        var stranger = new TestNode("three", "http://10.0.0.3:8080");
        stranger.membership.close();
        assertThatThrownBy(() -> stranger.join("three", "etcd 17 /other"))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("a node with another etcd works on this database: one, pid 4711")
                .hasMessageContaining(
                        " ms ago, its own " + one.coordination.place() + ", this node's etcd 17 /other; correct");
        assertThat(one.fenced).hasValue(0);
    }

    @Test
    void aNodeThatWorksAloneIsRefusedWhereAClusterWorks() throws IOException {
        var one = new TestNode("one", "");
        var alone = new Registration(
                new NodeId(IDS.next(System.currentTimeMillis())),
                "alone",
                4712,
                "standalone",
                "1",
                "local",
                "",
                List.of("shell"),
                8);

        assertThatThrownBy(() -> Membership.joinAlone(one::connect, alone, false, one.coordination, one))
                .isInstanceOf(StartupException.class)
                .hasMessageContaining("a cluster works on this database: one, pid 4711")
                .hasMessageContaining(" ms ago, " + one.coordination.place() + ";")
                .hasMessageContaining("join it with etcd.endpoints");
        assertThat(one.fenced).hasValue(0);
    }

    @Test
    void aClusterIsRefusedWhereANodeWorksAlone() throws IOException {
        var one = new TestNode("one", "");
        one.membership.close();
        var alone =
                new Registration(new NodeId(IDS.next(System.currentTimeMillis())), "alone", 4712, "standalone", "1");
        try (var _ = Membership.joinAlone(one::connect, alone, false, new LocalCoordination(), one)) {
            assertThatThrownBy(() -> one.join("one", one.coordination.place()))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("a standalone node works on this database: alone, pid 4712")
                    .hasMessageContaining("stop it first, or give this cluster a database of its own");
        }
    }

    @Test
    void theLeaderHasAnEpochOfItsOwnAndTheNextOneAGreaterOne() throws IOException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");
        var first = new Leadership(one::connect, one.membership, () -> true);
        var second = new Leadership(two::connect, two.membership, () -> true);
        one.coordination.campaign(first);
        until("one leads", () -> first.epoch().isPresent());
        two.coordination.campaign(second);
        assertThat(first.epoch()).hasValue(1);

        one.toDatabase.blackHole();
        until("who cannot write leads no more", () -> first.epoch().isEmpty());
        until("two leads", () -> second.epoch().isPresent());

        assertThat(second.epoch()).hasValue(2);
        assertThat(database.value("SELECT epoch || ' ' || node_id FROM leadership"))
                .isEqualTo("2 " + two.id);
    }

    @Test
    void aLeaderThatTheCoordinationServiceLeftIsShownAsSuchNoMoreThoughItBeats() throws IOException {
        var one = new TestNode("one", "");
        var leadership = new Leadership(one::connect, one.membership, () -> true);
        one.coordination.campaign(leadership);
        until("it is shown to lead", () -> leaderInDatabase().equals(one.id.toString()));

        one.toEtcd.blackHole();

        until("nobody is shown to lead", () -> leaderInDatabase().isEmpty());
        assertThat(leadership.epoch()).isEmpty();
        assertThat(database.value("SELECT epoch FROM leadership")).isEqualTo("1");
    }

    @Test
    void aFarewellThatComesLateDoesNotHideTheSuccessor() throws IOException, SQLException {
        var one = new TestNode("one", "");
        var two = new TestNode("two", "");
        try (var connection = one.connect(Duration.ofSeconds(3))) {
            NodeRepository.nextEpoch(connection, one.id);
            NodeRepository.nextEpoch(connection, two.id);
            NodeRepository.endEpoch(connection, one.id, 1);
        }
        assertThat(leaderInDatabase()).isEqualTo(two.id.toString());
    }

    private String leaderInDatabase() {
        return database.value("SELECT coalesce(node_id::text, '') FROM leadership");
    }

    /** Whether the database fenced the node after it had ended what ran. */
    private boolean fencedAfter(TestNode node) {
        var ago = Duration.ofNanos(System.nanoTime() - node.stoppedAt.get()).toMillis();
        return database.value("SELECT fenced_at > clock_timestamp() - " + ago
                        + " * interval '1 millisecond' FROM nodes WHERE id = '" + node.id + "'")
                .equals("t");
    }

    /** Lets the node claim two tasks of a run. */
    private void hold(TestNode node) {
        try {
            Graphs.publish(database, Graphs.tasks("a", "b"));
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
        execute("SELECT create_runs(ARRAY['01890a5d-ac96-7000-8000-000000000000'::uuid], ARRAY[1], ARRAY[id],"
                + " ARRAY['api'], ARRAY[NULL]::text[], ARRAY[NULL]::timestamptz[], ARRAY[NULL]::text[],"
                + " ARRAY[NULL]::text[], ARRAY[NULL]::text[]) FROM dags");
        execute("SELECT claim_ready('" + node.id + "', ARRAY['default'], 10)");
        assertThat(database.value("SELECT open_count FROM claim_batches")).isEqualTo("2");
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
