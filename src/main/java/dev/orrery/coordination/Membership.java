package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.NodeRepository.Registration;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A node's place among the nodes of its database: it registers, takes back what dead nodes held, and beats once a second
 * on a thread and a connection of its own, so that no load keeps it from showing that it lives.
 *
 * <p>A standalone node works alone. It begins when every other node is fenced: at once where a lock on the data folder
 * proves them dead, else after none of them has beaten for the lease, by this process's monotonic clock. One that does
 * beat is alive, and this one is refused.
 */
public final class Membership implements AutoCloseable {

    /** How long a node may be silent before it counts as dead. */
    public static final Duration LEASE = Duration.ofSeconds(5);

    private static final System.Logger LOG = System.getLogger(Membership.class.getName());
    private static final Duration BEAT_EVERY = Duration.ofSeconds(1);
    private static final Duration LOOK_EVERY = Duration.ofMillis(250);

    /** Opens connections for beats. */
    @FunctionalInterface
    public interface Connector {

        /** A new connection; {@code answerLimit} is how long any call on it may take. */
        Connection connect(Duration answerLimit) throws SQLException;
    }

    private final Connector connector;
    private final NodeId node;
    private final Runnable whenFenced;
    private final DatabaseClock clock = new DatabaseClock(System.currentTimeMillis());
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final Thread beating;

    private Membership(Connector connector, NodeId node, Runnable whenFenced) {
        this.connector = connector;
        this.node = node;
        this.whenFenced = whenFenced;
        this.beating = Thread.ofPlatform().name("orrery-beat").daemon().unstarted(this::beat);
    }

    /**
     * Joins as the only node, and begins to beat. Blocks, for the lease at most and while claims are taken back.
     *
     * @param aloneByLock whether a lock proves that no other node of this database runs
     * @param whenFenced called once, from the beating thread, when this node has lost its right to work
     * @throws StartupException where another node lives
     */
    public static Membership joinAlone(
            Connector connector, Registration self, boolean aloneByLock, Runnable whenFenced) {
        try (var connection = connector.connect(Duration.ofMinutes(1))) {
            becomeAlone(connection, self, aloneByLock);
            var batches = NodeRepository.takeBackOrphans(connection);
            if (batches > 0) {
                LOG.log(INFO, "took back what earlier nodes had claimed: batches={0}", batches);
            }
            NodeRepository.forgetOld(connection);
            var membership = new Membership(connector, self.id(), whenFenced);
            membership.clock.set(NodeRepository.beat(connection, self.id()));
            membership.beating.start();
            return membership;
        } catch (SQLException e) {
            throw new StartupException("the node could not register in the database: " + e.getMessage(), e);
        }
    }

    private static void becomeAlone(Connection connection, Registration self, boolean aloneByLock) throws SQLException {
        var first = NodeRepository.alive(connection);
        if (!aloneByLock && !first.isEmpty()) {
            waitForSilence(connection, first);
        }
        connection.setAutoCommit(false);
        NodeRepository.lockJoining(connection);
        for (var other : NodeRepository.alive(connection)) {
            var seen = first.stream()
                    .filter(before -> before.id().equals(other.id()))
                    .findFirst();
            if (!aloneByLock && seen.isEmpty()) {
                throw refused(other);
            }
            if (!NodeRepository.fence(connection, other.id(), other.beat())
                    || (!aloneByLock && hasBeaten(other, seen))) {
                throw refused(other);
            }
        }
        NodeRepository.register(connection, self);
        connection.commit();
        connection.setAutoCommit(true);
    }

    private static boolean hasBeaten(AliveNode now, java.util.Optional<AliveNode> before) {
        return before.map(node -> node.beat() != now.beat()).orElse(true);
    }

    /** Returns when no other node has beaten for a lease; a beat in between refuses the start. */
    private static void waitForSilence(Connection connection, List<AliveNode> first) throws SQLException {
        LOG.log(INFO, "another node is registered, watching its heartbeat for {0} s", LEASE.toSeconds());
        var deadline = System.nanoTime() + LEASE.toNanos();
        while (System.nanoTime() < deadline) {
            pause(LOOK_EVERY);
            for (var other : NodeRepository.alive(connection)) {
                var before = first.stream()
                        .filter(node -> node.id().equals(other.id()))
                        .findFirst();
                if (hasBeaten(other, before)) {
                    throw refused(other);
                }
            }
        }
    }

    private static StartupException refused(AliveNode other) {
        return new StartupException("another standalone node works on this database: " + other.name() + ", pid "
                + other.pid() + ", last heartbeat " + other.ageMillis()
                + " ms ago; stop it first, or give this node a database of its own");
    }

    private static void pause(Duration time) {
        try {
            TimeUnit.NANOSECONDS.sleep(time.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while joining", e);
        }
    }

    public NodeId node() {
        return node;
    }

    /** The database's time. */
    public DatabaseClock clock() {
        return clock;
    }

    private void beat() {
        Connection connection = null;
        try {
            while (!leaving.await(BEAT_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                connection = beatOnce(connection);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            close(connection);
        }
    }

    /** Answers the connection for the next beat; null where it broke. */
    private @Nullable Connection beatOnce(@Nullable Connection connection) {
        try {
            var open = connection != null ? connection : connector.connect(BEAT_EVERY);
            var now = NodeRepository.beat(open, node);
            if (now < 0) {
                LOG.log(ERROR, "this node was fenced: node={0}", node);
                leaving.countDown();
                whenFenced.run();
            } else {
                clock.set(now);
            }
            return open;
        } catch (SQLException | RuntimeException e) {
            // Whatever it was, a node that works must go on beating.
            LOG.log(WARNING, "no heartbeat: node=" + node + " reason=" + e.getMessage());
            close(connection);
            return null;
        }
    }

    /** Stops beating and gives the registration up, so that the next node need not wait for the lease. */
    @Override
    public void close() {
        leaving.countDown();
        try {
            beating.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try (var connection = connector.connect(BEAT_EVERY)) {
            NodeRepository.leave(connection, node);
        } catch (SQLException e) {
            LOG.log(WARNING, "the node could not sign off: node=" + node + " reason=" + e.getMessage());
        }
    }

    private static void close(@Nullable Connection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                LOG.log(DEBUG, "closing a connection", e);
            }
        }
    }
}
