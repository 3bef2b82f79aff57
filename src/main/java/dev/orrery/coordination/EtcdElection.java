package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.coordination.EtcdClient.Entry;
import dev.orrery.domain.NodeId;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Stands for leader on a thread of its own: whoever makes the one key {@code leader} under his lease leads while the lease
 * is trusted. An attempt whose outcome is unknown is made again under the same lease, and finds the key that it made.
 */
final class EtcdElection implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger(EtcdElection.class.getName());
    static final String KEY = "leader";
    private static final Duration TIME_TO_LIVE = Duration.ofSeconds(4);
    private static final Duration LOOK_EVERY = Duration.ofMillis(400);

    private final EtcdClient etcd;
    private final NodeId self;
    private final Coordination.Candidate candidate;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread =
            Thread.ofPlatform().name("orrery-leader").daemon().unstarted(this::run);
    private @Nullable EtcdLease lease;
    private @Nullable Reign reign;

    /** The key that makes this node the leader, until it is given up or lost. */
    private static final class Reign implements Coordination.Term {

        private final Entry key;
        private final EtcdLease lease;
        private final AtomicBoolean over = new AtomicBoolean();

        private Reign(Entry key, EtcdLease lease) {
            this.key = key;
            this.lease = lease;
        }

        @Override
        public boolean isTrusted() {
            return !over.get() && lease.isTrusted();
        }
    }

    EtcdElection(EtcdClient etcd, NodeId self, Coordination.Candidate candidate) {
        this.etcd = etcd;
        this.self = self;
        this.candidate = candidate;
    }

    void start() {
        thread.start();
    }

    private void run() {
        try {
            do {
                try {
                    look();
                } catch (RuntimeException e) {
                    LOG.log(DEBUG, "the election does not move on now", e);
                    endIfDistrusted();
                }
            } while (!closing.await(LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            giveUp();
        }
    }

    private void look() {
        if (reign != null) {
            holdOn(reign);
        } else if (candidate.mayLead()) {
            stand();
        }
    }

    private void holdOn(Reign current) {
        if (!candidate.mayLead()) {
            LOG.log(INFO, "this node cannot lead now and gives it up: node={0}", self);
            giveUp();
        } else if (!current.lease.renew() || !current.lease.isTrusted() || !isStillThere(current.key)) {
            end();
        }
    }

    /** A lease can live on without its key, when someone deletes that or sets etcd back: the place is open then. */
    private boolean isStillThere(Entry key) {
        return etcd.get(KEY).filter(key::equals).isPresent();
    }

    private void stand() {
        // A lease that cannot be renewed is of no use: the key under it would be gone at any moment.
        if (lease == null || lease.isOver() || !lease.renew()) {
            lease = EtcdLease.grant(etcd, TIME_TO_LIVE);
        }
        var mine = lease;
        var key = etcd.create(KEY, self.toString(), mine.id());
        if (key.lease() != mine.id()) {
            return;
        }
        var begun = new Reign(key, mine);
        reign = begun;
        try {
            candidate.elected(begun);
        } catch (RuntimeException e) {
            LOG.log(WARNING, "elected, and cannot lead: node=" + self + " reason=" + e.getMessage());
            giveUp();
        }
    }

    private void endIfDistrusted() {
        if (reign != null && !reign.lease.isTrusted()) {
            end();
        }
    }

    /** It leads no more; the key is gone, or goes with its lease. */
    private void end() {
        var ended = endReign();
        if (ended != null) {
            candidate.lost();
        }
    }

    /** The same, and lets another have it at once: before the candidate, who may block, is told. */
    private void giveUp() {
        var given = endReign();
        if (given != null) {
            try {
                etcd.delete(given.key);
                etcd.revoke(given.lease.id());
            } catch (RuntimeException e) {
                LOG.log(DEBUG, "the leader's key could not be given up, it goes with its lease", e);
            }
            candidate.lost();
        }
    }

    /** From here on it is not trusted. */
    private @Nullable Reign endReign() {
        var ended = reign;
        reign = null;
        lease = null;
        if (ended != null) {
            ended.over.set(true);
        }
        return ended;
    }

    @Override
    public void close() {
        closing.countDown();
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
