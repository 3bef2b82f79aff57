package dev.orrery.coordination;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.NodeId;
import dev.orrery.domain.WorkerId;
import dev.orrery.store.NodeRepository;
import dev.orrery.store.NodeRepository.AliveNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Takes the work of dead nodes, on a thread and a connection of its own. Who is silent is announced in the coordination
 * service first, where a node that cannot reach the database looks, and fenced a moment later if it is silent still; only
 * then is its work made ready again. Any number of nodes may do this at once. From time to time it also takes what was
 * left by nodes that are gone, and what a living node keeps far beyond its timeout.
 *
 * <p>Remote workers are watched here too, by their own leases and with no announcement: see {@link RemoteWatch}.
 */
final class Reaper implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(Reaper.class.getName());
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);
    private static final Duration SWEEP_EVERY = Duration.ofSeconds(10);
    private static final Duration REMOTE_EVERY = Duration.ofSeconds(1);
    private static final Duration REMOTE_UNBROKEN = Duration.ofSeconds(5);
    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(20);

    /** Past its timeout an attempt is ended by its worker, which waits for it to die. */
    private static final Duration OVERDUE_AFTER = Duration.ofMinutes(1);

    private final Membership.Connector connector;
    private final NodeId self;
    private final Coordination coordination;
    private final Membership.Host host;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread;
    private final AtomicLong fenced = new AtomicLong();
    private final Map<NodeId, Suspect> suspects = new HashMap<>();
    private volatile Map<NodeId, AliveNode> silent = Map.of();
    private @Nullable Connection connection;
    private final RemoteWatch remote = new RemoteWatch(REMOTE_UNBROKEN);
    private long remoteAt = System.nanoTime();
    private long sweepAt = System.nanoTime() + SWEEP_EVERY.toNanos();

    /** Announced with this beat; may be fenced from then on. */
    private record Suspect(long beat, long fenceAt, boolean isFenced) {

        private Suspect fenced() {
            return new Suspect(beat, fenceAt, true);
        }
    }

    Reaper(Membership.Connector connector, NodeId self, Coordination coordination, Membership.Host host) {
        this.connector = connector;
        this.self = self;
        this.coordination = coordination;
        this.host = host;
        this.thread = Thread.ofPlatform().name("orrery-reaper").daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** These nodes, and no others, are silent for the lease now. */
    void suspect(Collection<AliveNode> nodes) {
        silent = nodes.stream().collect(Collectors.toUnmodifiableMap(AliveNode::id, node -> node));
    }

    long fenced() {
        return fenced.get();
    }

    private void run() {
        try {
            while (!closing.await(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    look();
                } catch (SQLException | RuntimeException e) {
                    LOG.log(WARNING, "cannot take back work now, will be tried again: " + e.getMessage());
                    Membership.close(connection);
                    connection = null;
                    remote.broken();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            Membership.close(connection);
        }
    }

    private void look() throws SQLException {
        var now = silent;
        forgetThoseThatBeat(now);
        for (var node : now.values()) {
            if (!suspects.containsKey(node.id())) {
                announce(node);
            }
        }
        for (var node : now.values()) {
            var suspect = suspects.get(node.id());
            if (suspect != null && !suspect.isFenced && System.nanoTime() - suspect.fenceAt >= 0) {
                fence(node);
                suspects.put(node.id(), suspect.fenced());
            }
        }
        if (System.nanoTime() - remoteAt >= 0) {
            remoteAt = System.nanoTime() + REMOTE_EVERY.toNanos();
            giveUpRemote();
        }
        if (System.nanoTime() - sweepAt >= 0) {
            sweepAt = System.nanoTime() + SWEEP_EVERY.toNanos();
            takeBack();
            takeBackOverdue();
        }
    }

    private void forgetThoseThatBeat(Map<NodeId, AliveNode> now) {
        suspects.entrySet().removeIf(entry -> {
            var node = now.get(entry.getKey());
            var lives = node == null || node.beat() != entry.getValue().beat;
            if (lives) {
                coordination.unmark(entry.getKey());
            }
            return lives;
        });
    }

    /** Where the mark cannot be written the node may go on for a lease more before it ends its work by itself. */
    private void announce(AliveNode node) {
        LOG.log(WARNING, "a node is silent: node={0} name={1}", node.id(), node.name());
        var wait = coordination.mark(node.id()) ? Trust.MARGIN : Membership.LEASE;
        suspects.put(node.id(), new Suspect(node.beat(), System.nanoTime() + wait.toNanos(), false));
    }

    private void fence(AliveNode node) throws SQLException {
        if (NodeRepository.fence(connection(), node.id(), node.beat())) {
            fenced.incrementAndGet();
            LOG.log(WARNING, "fenced a dead node: node={0} name={1} by={2}", node.id(), node.name(), self);
        }
        // Whether or not it was this node that fenced it.
        takeBack();
    }

    private void giveUpRemote() throws SQLException {
        var sentAt = System.nanoTime();
        var members = NodeRepository.remoteMembers(connection());
        remote.saw(members, sentAt, System.nanoTime());
        var silent = remote.silent();
        for (var member : silent) {
            if (NodeRepository.fence(connection(), member.id(), member.beat())) {
                LOG.log(
                        WARNING,
                        "gave up a remote worker that was silent for its lease: worker={0} name={1} lease_ms={2}",
                        WorkerId.of(member.id(), 1),
                        member.name(),
                        Long.toString(member.lease().toMillis()));
            }
        }
        if (!silent.isEmpty()) {
            takeBack();
        }
    }

    private void takeBack() throws SQLException {
        var takenBack = NodeRepository.takeBackOrphans(connection());
        if (takenBack.batches() > 0) {
            LOG.log(INFO, "took back what dead nodes had claimed: batches={0}", takenBack.batches());
            host.tookBack(takenBack.readyQueues(), takenBack.claims());
        }
    }

    private void takeBackOverdue() throws SQLException {
        var takenBack = NodeRepository.takeBackOverdue(connection(), OVERDUE_AFTER);
        if (takenBack.batches() > 0) {
            LOG.log(WARNING, "took back claims kept far beyond their timeout: batches={0}", takenBack.batches());
            host.tookBack(takenBack.readyQueues(), takenBack.claims());
        }
    }

    private Connection connection() throws SQLException {
        var open = connection;
        if (open == null) {
            open = connector.connect(ANSWER_LIMIT);
            connection = open;
        }
        return open;
    }

    @Override
    public void close() {
        closing.countDown();
        try {
            thread.join(ANSWER_LIMIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
