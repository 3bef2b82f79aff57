package dev.orrery.coordination;

import static java.lang.System.Logger.Level.INFO;

import dev.orrery.domain.StartupException;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.NodeRepository.Registration;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * How a node registers. A standalone node works alone: it begins when every other node is fenced, at once where a lock on
 * the data folder proves them dead, else after none of them has beaten for the lease. A node of a cluster joins beside the
 * others, if they use the same coordination service and none of them has its address. Whoever must not be there and does
 * beat is alive, and the start is refused.
 */
final class Joining {

    private static final System.Logger LOG = System.getLogger(Joining.class.getName());
    private static final Duration LOOK_EVERY = Duration.ofMillis(250);

    /** A living node beats once a second. */
    private static final Duration SHOWS_LIFE_WITHIN = Duration.ofMillis(2_500);

    private Joining() {}

    static void alone(Connection connection, Registration self, boolean aloneByLock) throws SQLException {
        var first = NodeRepository.alive(connection);
        if (!aloneByLock) {
            requireSilence(connection, first, self, Membership.LEASE);
        }
        connection.setAutoCommit(false);
        NodeRepository.lockJoining(connection);
        for (var other : NodeRepository.alive(connection)) {
            var isNewOrBeats = !aloneByLock && beats(other, seen(first, other));
            if (isNewOrBeats || !NodeRepository.fence(connection, other.id(), other.beat())) {
                throw refused(self, other);
            }
        }
        NodeRepository.register(connection, self);
        connection.commit();
        connection.setAutoCommit(true);
    }

    static void amongOthers(Connection connection, Registration self) throws SQLException {
        Predicate<AliveNode> isStranger = other -> !other.place().equals(self.place());
        Predicate<AliveNode> hasMyAddress =
                other -> !self.httpAddress().isEmpty() && other.httpAddress().equals(self.httpAddress());
        var first = NodeRepository.alive(connection);
        requireSilence(connection, first.stream().filter(isStranger).toList(), self, Membership.LEASE);
        requireSilence(connection, first.stream().filter(hasMyAddress).toList(), self, SHOWS_LIFE_WITHIN);
        connection.setAutoCommit(false);
        NodeRepository.lockJoining(connection);
        for (var other : NodeRepository.alive(connection)) {
            if (isStranger.or(hasMyAddress).test(other) && beats(other, seen(first, other))) {
                throw refused(self, other);
            }
        }
        NodeRepository.register(connection, self);
        connection.commit();
        connection.setAutoCommit(true);
    }

    private static Optional<AliveNode> seen(List<AliveNode> nodes, AliveNode node) {
        return nodes.stream().filter(before -> before.id().equals(node.id())).findFirst();
    }

    private static boolean beats(AliveNode now, Optional<AliveNode> before) {
        return before.map(node -> node.beat() != now.beat()).orElse(true);
    }

    /** Returns when none of these nodes has beaten for this time; a beat in between refuses the start. */
    private static void requireSilence(
            Connection connection, List<AliveNode> nodes, Registration self, Duration howLong) throws SQLException {
        if (nodes.isEmpty()) {
            return;
        }
        LOG.log(INFO, "another node is registered, watching its heartbeat for {0} ms", howLong.toMillis());
        var deadline = System.nanoTime() + howLong.toNanos();
        while (System.nanoTime() < deadline) {
            pause(LOOK_EVERY);
            for (var other : NodeRepository.alive(connection)) {
                var before = seen(nodes, other);
                if (before.isPresent() && beats(other, before)) {
                    throw refused(self, other);
                }
            }
        }
    }

    private static StartupException refused(Registration self, AliveNode other) {
        var who = other.name() + ", pid " + other.pid() + ", last heartbeat " + other.ageMillis() + " ms ago";
        if (!self.mode().equals("cluster")) {
            return other.place().equals(self.place())
                    ? new StartupException("another standalone node works on this database: " + who
                            + "; stop it first, or give this node a database of its own")
                    : new StartupException("a cluster works on this database: " + who + ", " + other.place()
                            + "; join it with etcd.endpoints, or give this node a database of its own");
        }
        if (other.place().equals(LocalCoordination.PLACE)) {
            return new StartupException("a standalone node works on this database: " + who
                    + "; stop it first, or give this cluster a database of its own");
        }
        return other.place().equals(self.place())
                ? new StartupException("another node of this cluster is at " + other.httpAddress() + ": " + who
                        + "; stop it, or give this node another address")
                : new StartupException("a node with another etcd works on this database: " + who + ", its own "
                        + other.place() + ", this node's " + self.place()
                        + "; correct etcd.endpoints and etcd.prefix, or give this cluster a database of its own");
    }

    private static void pause(Duration time) {
        try {
            TimeUnit.NANOSECONDS.sleep(time.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while joining", e);
        }
    }
}
