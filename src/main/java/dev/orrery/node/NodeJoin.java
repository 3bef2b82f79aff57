package dev.orrery.node;

import static dev.orrery.node.OpenParts.STEP_LIMIT;
import static dev.orrery.node.OpenParts.await;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Bus;
import dev.orrery.bus.PeerAddresses.PeerAddress;
import dev.orrery.bus.PeerBus;
import dev.orrery.config.OrreryConfig;
import dev.orrery.config.ProgramVersion;
import dev.orrery.coordination.Coordination;
import dev.orrery.coordination.EtcdCoordination;
import dev.orrery.coordination.LocalCoordination;
import dev.orrery.coordination.Member;
import dev.orrery.coordination.Membership;
import dev.orrery.domain.NodeId;
import dev.orrery.store.Database;
import dev.orrery.store.NodeRepository.Registration;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** How a node takes its place: alone, or beside the others of its cluster. */
final class NodeJoin {

    private static final System.Logger LOG = System.getLogger(NodeJoin.class.getName());

    /** What a stop waits for a join that does not come about; the end of the process ends it. */
    private static final Duration LEFT_BEHIND = Duration.ofSeconds(2);

    /** The types of tasks that every node runs. */
    private static final List<String> CAPABILITIES = List.of("handler", "http", "python", "shell");

    private final OrreryConfig config;
    private final OpenParts open;
    private final NodeAddress places;
    private final BooleanSupplier isOver;

    /** {@code isOver}: whether the node is no longer wanted; then it waits neither for etcd nor for other nodes. */
    NodeJoin(OrreryConfig config, OpenParts open, NodeAddress places, BooleanSupplier isOver) {
        this.config = config;
        this.open = open;
        this.places = places;
        this.isOver = isOver;
    }

    /** {@code peers} completes when the other nodes can be told something. */
    record Joined(Coordination coordination, Membership membership, Future<?> peers) {}

    static String mode(OrreryConfig config) {
        return config.isCluster() ? "cluster" : "standalone";
    }

    /** Begins to look for the coordination service, which takes as long as to open a database. */
    Future<Coordination> coordination() {
        if (!config.isCluster()) {
            return Future.succeededFuture(new LocalCoordination());
        }
        var found = inBackground("etcd", () -> (Coordination) EtcdCoordination.connect(config.etcd(), isOver));
        open.opened("coordination", STEP_LIMIT, () -> found.onSuccess(Coordination::close));
        return found;
    }

    private static <T> Future<T> inBackground(String name, Supplier<T> work) {
        Promise<T> done = Promise.promise();
        Thread.ofVirtual().name(name).start(() -> {
            try {
                done.complete(work.get());
            } catch (RuntimeException e) {
                done.fail(e);
            }
        });
        return done.future();
    }

    /** Blocks, for some seconds where other nodes must be watched first. */
    Joined join(Database database, NodeId id, Future<Coordination> found, NodeHost host, Bus bus) {
        var coordination = await(found, config.etcd().connectTimeout().plus(STEP_LIMIT), isOver);
        var self = registration(id, coordination);
        var memberPort = places.memberPort();
        coordination.requireDatabase(database.id());
        coordination.join(new Member(
                self.id(),
                self.name(),
                self.version(),
                self.httpAddress(),
                config.bus().reachableHost(),
                memberPort,
                CAPABILITIES));
        var peers = config.isCluster()
                ? openPeerBus(memberPort, database.id(), id, coordination, bus)
                : Future.succeededFuture();
        var membership = config.isCluster()
                ? Membership.joinCluster(connector(database), self, coordination, host)
                : Membership.joinAlone(
                        connector(database), self, config.database().embedded(), coordination, host);
        open.opened("membership", STEP_LIMIT, membership::close);
        return new Joined(coordination, membership, peers);
    }

    /** Returns when the other nodes can be told something. */
    Joined awaitPeers(Joined joined) {
        await(joined.peers(), STEP_LIMIT.plus(STEP_LIMIT), isOver);
        return joined;
    }

    private Registration registration(NodeId id, Coordination coordination) {
        return new Registration(
                id,
                name(),
                ProcessHandle.current().pid(),
                mode(config),
                ProgramVersion.text(),
                coordination.place(),
                places.known(),
                CAPABILITIES,
                config.workers().size() * config.workers().concurrency(),
                config.workers().queues());
    }

    private Future<PeerBus> openPeerBus(int memberPort, UUID cluster, NodeId id, Coordination coordination, Bus bus) {
        var opening = inBackground(
                "event bus",
                () -> PeerBus.open(config.bus(), memberPort, cluster, id, () -> addresses(coordination), bus));
        open.opened("event bus between nodes", STEP_LIMIT, () -> {
            // Also one that is still being opened, except that nobody waits for it who was told to stop.
            try {
                await(opening, isOver.getAsBoolean() ? LEFT_BEHIND : STEP_LIMIT).close();
            } catch (RuntimeException e) {
                LOG.log(WARNING, "the event bus between nodes was not open: reason=" + e.getMessage());
            }
        });
        return opening;
    }

    private static List<PeerAddress> addresses(Coordination coordination) {
        return coordination.members().stream()
                .map(member -> new PeerAddress(member.busHost(), member.memberPort()))
                .toList();
    }

    /** Connections that nothing else uses, so that a heartbeat waits for nobody. */
    static Membership.Connector connector(Database database) {
        return answerLimit -> connect(database, answerLimit);
    }

    private static java.sql.Connection connect(Database database, Duration answerLimit) throws SQLException {
        var properties = new Properties();
        properties.setProperty("user", database.user());
        properties.setProperty("password", database.password());
        properties.setProperty("connectTimeout", Long.toString(Math.clamp(answerLimit.toSeconds(), 1, 5)));
        properties.setProperty("socketTimeout", Long.toString(Math.max(1, answerLimit.toSeconds())));
        properties.setProperty("currentSchema", "orrery");
        properties.setProperty("ApplicationName", "orrery-beat");
        return DriverManager.getConnection(database.jdbcUrl(), properties);
    }

    private String name() {
        if (!config.node().name().isEmpty()) {
            return config.node().name();
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            return "localhost";
        }
    }
}
