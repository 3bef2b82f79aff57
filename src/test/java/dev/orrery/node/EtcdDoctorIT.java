package dev.orrery.node;

import static dev.orrery.testing.Await.until;
import static org.assertj.core.api.Assertions.assertThat;

import dev.orrery.config.DatabaseConfig;
import dev.orrery.config.EtcdConfig;
import dev.orrery.coordination.Coordination;
import dev.orrery.coordination.EtcdCoordination;
import dev.orrery.coordination.Member;
import dev.orrery.domain.IdSequence;
import dev.orrery.domain.NodeId;
import dev.orrery.store.CheckResult;
import dev.orrery.store.CheckResult.Outcome;
import dev.orrery.store.DatabaseDoctor;
import dev.orrery.store.NodeRepository;
import dev.orrery.testing.Etcd;
import dev.orrery.testing.Ports;
import dev.orrery.testing.Postgres;
import dev.orrery.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On a real etcd and a real database; the test takes the part of a node. */
class EtcdDoctorIT {

    private static Etcd etcd;

    private final NodeId node = new NodeId(new IdSequence(System.nanoTime()).next(System.currentTimeMillis()));
    private final String prefix = "/orrery/" + node;
    private TestDatabase database;
    private Coordination coordination;

    @BeforeAll
    static void start() {
        etcd = Etcd.start(1);
    }

    @AfterAll
    static void stop() {
        etcd.close();
    }

    @BeforeEach
    void join() throws SQLException {
        database = Postgres.freshDatabase();
        execute("UPDATE leadership SET epoch = 7, node_id = '" + node + "'");
        try (var connection = database.connect()) {
            NodeRepository.register(connection, new NodeRepository.Registration(node, "ada", 1, "cluster", "x"));
        }
        coordination = EtcdCoordination.connect(config(etcd.endpoints()));
        coordination.requireDatabase(UUID.fromString(database.value("SELECT id FROM cluster")));
        coordination.join(new Member(node, "ada", "x", "http://127.0.0.1:1", "127.0.0.1", 1, List.of()));
        coordination.takeWork();
        var led = new Led();
        coordination.campaign(led);
        until("it leads", () -> led.leads);
    }

    @AfterEach
    void leave() {
        coordination.close();
        database.close();
    }

    @Test
    void whereBothKnowTheSameAllIsInOrder() {
        var seen = examined(etcd.endpoints());

        assertThat(seen).containsOnlyKeys("etcd", "etcd-database", "etcd-leader", "etcd-nodes");
        assertThat(seen.values())
                .allSatisfy(result -> assertThat(result.outcome()).isEqualTo(Outcome.OK));
    }

    @Test
    void whatDiffersIsToldOfEachWithTheCure() throws SQLException {
        var other = UUID.randomUUID();
        execute("UPDATE leadership SET epoch = 8, node_id = '" + other + "'");
        execute("INSERT INTO nodes (id, name, pid, mode, version, beat_at) SELECT '" + other
                + "', 'bob', pid, mode, version, clock_timestamp() FROM nodes LIMIT 1");
        execute("UPDATE nodes SET beat_at = clock_timestamp() - interval '1 minute' WHERE id = '" + node + "'");
        execute("UPDATE cluster SET id = gen_random_uuid()");

        var seen = examined(etcd.endpoints());

        assertThat(seen.get("etcd").outcome()).isEqualTo(Outcome.OK);
        assertThat(seen.get("etcd-database").examples())
                .singleElement()
                .asString()
                .contains("etcd holds database");
        assertThat(seen.get("etcd-leader").examples())
                .containsExactly(
                        "by etcd node " + node + " (ada) leads, by the database node " + other + " (bob) in epoch 8");
        assertThat(seen.get("etcd-nodes").examples())
                .containsExactlyInAnyOrder(
                        "node " + node + " (ada) is registered in etcd and does not beat in the database",
                        "node " + other + " (bob) beats in the database and is not registered in etcd");
        assertThat(seen.get("etcd-nodes").cure()).contains("log");
    }

    @Test
    void aMemberThatListensButDoesNotAnswerIsTold() {
        var away = "http://127.0.0.1:" + Ports.free();
        var frozen = etcd.member(1);
        etcd.freeze(frozen);
        try {
            var began = System.nanoTime();
            var seen = examined(List.of(frozen.url(), away));

            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
            assertThat(seen.get("etcd").examples())
                    .hasSize(2)
                    .first()
                    .asString()
                    .startsWith(frozen.url());
            assertThat(seen.get("etcd-leader").outcome()).isEqualTo(Outcome.NOT_CHECKED);
            assertThat(seen.get("etcd-leader").note()).contains("no etcd answers");
        } finally {
            etcd.thaw(frozen);
        }
    }

    private EtcdConfig config(List<String> endpoints) {
        return new EtcdConfig(endpoints, prefix, "", "", Duration.ofSeconds(2), Duration.ofSeconds(8), "", "", "");
    }

    private Map<String, CheckResult> examined(List<String> endpoints) {
        var place = new DatabaseConfig(database.url(), "", "", 8, Duration.ofSeconds(5));
        try (var doctor = DatabaseDoctor.open(place, Path.of("nowhere"), Duration.ofSeconds(10))) {
            return EtcdDoctor.examine(config(endpoints), doctor::cluster, Duration.ofMillis(100)).stream()
                    .collect(Collectors.toMap(CheckResult::check, result -> result));
        }
    }

    private void execute(String sql) throws SQLException {
        try (var connection = database.connect();
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static final class Led implements Coordination.Candidate {

        private volatile boolean leads;

        @Override
        public boolean mayLead() {
            return true;
        }

        @Override
        public void elected(Coordination.Term term) {
            leads = true;
        }

        @Override
        public void lost() {
            leads = false;
        }
    }
}
