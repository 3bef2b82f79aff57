package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.StartupException;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.NodeRepository.AliveNode;
import dev.orrery.store.NodeRepository.Beat;
import dev.orrery.store.NodeRepository.Condition;
import dev.orrery.store.NodeRepository.Registration;
import dev.orrery.store.WorkRepository.Held;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A node's place among the nodes of its database. It registers, and beats once a second on a thread and a connection of
 * its own, so that no load keeps it from showing that it lives; with each beat it sees the others' counters, and its
 * {@link Reaper} takes the work of those that fell silent. What the node may still do while its own beats fail is for
 * {@link Trust} and the {@link SelfJudge} to say. Ownership of work is the database's word alone.
 */
public final class Membership implements AutoCloseable {

    /** How long a node may be silent before it counts as dead. */
    public static final Duration LEASE = Duration.ofSeconds(5);

    /** How far a node's own clock may be off the database's before it is told. */
    private static final long CLOCK_OFFSET_MAX_MILLIS = 2_000;

    private static final System.Logger LOG = System.getLogger(Membership.class.getName());
    private static final Duration BEAT_EVERY = Duration.ofSeconds(1);
    private static final Duration TRY_AGAIN = Duration.ofMillis(250);
    private static final Duration LOOKS_UNBROKEN = Duration.ofMillis(2_500);

    /** Opens connections for beats. */
    @FunctionalInterface
    public interface Connector {

        /** A new connection; {@code answerLimit} is how long any call on it may take. */
        Connection connect(Duration answerLimit) throws SQLException;
    }

    /** The node whose place this is. Called from threads of the membership; must not block. */
    public interface Host {

        /** What the node tells with its next heartbeat. */
        Condition condition();

        /** Whether its router lives: a node whose router hangs must not look alive. */
        boolean isWorking();

        /** Its right to work is gone for good: nothing it does counts any more. Called once. */
        void fenced();

        /** Others may take its work now, for all it can know: what runs must end, results may wait. */
        void mustStopRunning();

        /** Someone asks it to drain; called with each heartbeat from then on. */
        void drainAsked();

        /** Someone asks attempts of this node to end; called with each heartbeat while they go on. */
        void cancelsAsked();

        /** Work of a dead node, under these claims, was made ready in these queues. */
        void tookBack(Set<String> queues, Collection<Held> claims);
    }

    private final Connector connector;
    private final NodeId node;
    private final Host host;
    private final DatabaseClock clock = new DatabaseClock(System.currentTimeMillis());
    private final Trust trust;
    private final PeerWatch watch;
    private final Reaper reaper;
    private final SelfJudge judge;
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final Thread beating;
    private volatile List<AliveNode> alive = List.of();
    private volatile long lastBeatNanos = System.nanoTime();
    private volatile long clockOffsetMillis;

    private Membership(Connector connector, NodeId node, Coordination coordination, Trust trust, Host host) {
        this.connector = connector;
        this.node = node;
        this.host = host;
        this.trust = trust;
        this.watch = new PeerWatch(node, LEASE, LOOKS_UNBROKEN);
        this.reaper = new Reaper(connector, node, coordination, host);
        this.judge = new SelfJudge(node, coordination, trust, host);
        this.beating = Thread.ofPlatform().name("orrery-beat").daemon().unstarted(this::beat);
    }

    /**
     * Joins as the only node, and begins to beat. Blocks, for the lease at most and while claims are taken back.
     *
     * @param aloneByLock whether a lock proves that no other node of this database runs
     * @throws StartupException where another node lives
     */
    public static Membership joinAlone(
            Connector connector, Registration self, boolean aloneByLock, Coordination coordination, Host host) {
        var trust = aloneByLock ? Trust.always() : new Trust();
        return join(
                connector,
                self,
                new Membership(connector, self.id(), coordination, trust, host),
                connection -> Joining.alone(connection, self, aloneByLock));
    }

    /**
     * Joins the other nodes of a cluster, and begins to beat. Blocks, for the lease at most, and only where nodes are
     * registered that must not be there.
     *
     * @throws StartupException where a node lives that has this one's address or another coordination service
     */
    public static Membership joinCluster(Connector connector, Registration self, Coordination coordination, Host host) {
        return join(
                connector,
                self,
                new Membership(connector, self.id(), coordination, new Trust(), host),
                connection -> Joining.amongOthers(connection, self));
    }

    /** Registers the node, or refuses to. */
    @FunctionalInterface
    private interface Registering {
        void register(Connection connection) throws SQLException;
    }

    private static Membership join(
            Connector connector, Registration self, Membership membership, Registering registering) {
        try (var connection = connector.connect(Duration.ofMinutes(1))) {
            registering.register(connection);
            var takenBack = NodeRepository.takeBackOrphans(connection);
            if (takenBack.batches() > 0) {
                LOG.log(INFO, "took back what earlier nodes had claimed: batches={0}", takenBack.batches());
                membership.host.tookBack(takenBack.readyQueues(), takenBack.claims());
            }
            NodeRepository.forgetOld(connection);
            var sentAt = System.nanoTime();
            membership.told(
                    NodeRepository.beat(connection, self.id(), membership.condition())
                            .orElseThrow(),
                    sentAt);
        } catch (SQLException e) {
            throw new StartupException("the node could not register in the database: " + e.getMessage(), e);
        }
        membership.beating.start();
        membership.reaper.start();
        membership.judge.start();
        return membership;
    }

    public NodeId node() {
        return node;
    }

    /** The database's time. */
    public DatabaseClock clock() {
        return clock;
    }

    /** Whether the node may claim and begin work. */
    public Trust trust() {
        return trust;
    }

    /** The nodes that were not fenced at the last good heartbeat, this one among them. */
    public List<AliveNode> alive() {
        return alive;
    }

    /** How long ago the last good heartbeat was answered. */
    public Duration sinceLastBeat() {
        return Duration.ofNanos(System.nanoTime() - lastBeatNanos);
    }

    /** How many nodes this one has fenced. */
    public long fencedOthers() {
        return reaper.fenced();
    }

    private void beat() {
        Connection connection = null;
        var next = System.nanoTime() + BEAT_EVERY.toNanos();
        try {
            while (!leaving.await(Math.max(0, next - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                var began = System.nanoTime();
                if (host.isWorking()) {
                    connection = beatOnce(connection);
                } else {
                    LOG.log(ERROR, "no heartbeat, since the router does not answer: node={0}", node);
                    watch.broken();
                }
                next = began + (connection == null ? TRY_AGAIN : BEAT_EVERY).toNanos();
                next = Math.max(
                        began + TRY_AGAIN.toNanos(),
                        Math.min(next, watch.nextSilence().orElse(next)));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            close(connection);
        }
    }

    /** Answers the connection for the next beat; null where it broke. */
    private @Nullable Connection beatOnce(@Nullable Connection connection) {
        var open = connection;
        try {
            if (open == null) {
                open = connector.connect(BEAT_EVERY);
            }
            var sentAt = System.nanoTime();
            var answer = NodeRepository.beat(open, node, condition());
            if (answer.isPresent()) {
                told(answer.get(), sentAt);
            } else {
                LOG.log(ERROR, "this node was fenced: node={0}", node);
                leaving.countDown();
                host.fenced();
            }
            return open;
        } catch (SQLException | RuntimeException e) {
            // Whatever it was, a node that works must go on beating.
            LOG.log(WARNING, "no heartbeat: node=" + node + " reason=" + e.getMessage());
            watch.broken();
            close(open);
            return null;
        }
    }

    private Condition condition() {
        return host.condition().withClockOffset(clockOffsetMillis);
    }

    private void told(Beat answer, long sentAt) {
        var cameBackAt = System.nanoTime();
        trust.renew(sentAt, LEASE);
        clock.set(answer.nowMillis());
        lastBeatNanos = cameBackAt;
        alive = List.copyOf(answer.alive());
        compareClocks(answer.nowMillis(), Duration.ofNanos(cameBackAt - sentAt));
        watch.saw(answer.alive(), sentAt, cameBackAt);
        reaper.suspect(watch.silent());
        if (answer.drainAsked()) {
            host.drainAsked();
        }
        if (answer.cancelsAsked()) {
            host.cancelsAsked();
        }
    }

    /** Nothing depends on this machine's clock but what people read, so it is told and no more. */
    private void compareClocks(long databaseMillis, Duration roundTrip) {
        var offset = System.currentTimeMillis() - roundTrip.toMillis() / 2 - databaseMillis;
        if (Math.abs(offset) > CLOCK_OFFSET_MAX_MILLIS && Math.abs(clockOffsetMillis) <= CLOCK_OFFSET_MAX_MILLIS) {
            LOG.log(
                    WARNING,
                    "this machine''s clock is {0} ms off the database''s: the times of tasks are the database''s, those"
                            + " in logs are not; set the clock",
                    Long.toString(offset));
        }
        clockOffsetMillis = offset;
    }

    /** Stops beating and gives the registration up, so that the next node need not wait for the lease. */
    @Override
    public void close() {
        leaving.countDown();
        reaper.close();
        judge.close();
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

    static void close(@Nullable Connection connection) {
        if (connection != null) {
            try {
                connection.close();
            } catch (SQLException e) {
                LOG.log(DEBUG, "closing a connection", e);
            }
        }
    }
}
