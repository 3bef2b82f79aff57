package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.coordination.EtcdClient.Entry;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A lock in etcd: a key under a lease, whose revision of creation is the fencing number (it grows as long as etcd keeps its
 * data). Renewed until it is closed, or found to be lost.
 */
final class EtcdLock implements Coordination.NamedLock {

    private static final System.Logger LOG = System.getLogger(EtcdLock.class.getName());
    private static final Duration TIME_TO_LIVE = Duration.ofSeconds(10);
    private static final Duration RENEW_EVERY = Duration.ofSeconds(2);
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);

    private final EtcdClient etcd;
    private final Entry key;
    private final EtcdLease lease;
    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile boolean isLost;

    private EtcdLock(EtcdClient etcd, Entry key, EtcdLease lease) {
        this.etcd = etcd;
        this.key = key;
        this.lease = lease;
    }

    static EtcdLock take(EtcdClient etcd, String name, Duration wait) {
        var taking = new Taking(etcd, "locks/" + name);
        var deadline = System.nanoTime() + wait.toNanos();
        for (var lock = taking.tried(); ; lock = taking.tried()) {
            if (lock != null) {
                Thread.ofVirtual().name("etcd lock " + name).start(lock::keep);
                return lock;
            }
            if (System.nanoTime() - deadline > 0) {
                taking.giveUp();
                throw taking.refused(name);
            }
            pause();
        }
    }

    /**
     * The time in which a lock is asked for, all of it under one lease as long as that lives: an attempt that fails may have
     * taken the lock, and the next one finds it so.
     */
    private static final class Taking {

        private final EtcdClient etcd;
        private final String path;
        private final String holder = UUID.randomUUID().toString();
        private @Nullable EtcdLease lease;
        private @Nullable CoordinationException failure;

        private Taking(EtcdClient etcd, String path) {
            this.etcd = etcd;
            this.path = path;
        }

        private @Nullable EtcdLock tried() {
            try {
                var mine = lease;
                if (mine == null || !mine.renew()) {
                    mine = EtcdLease.grant(etcd, TIME_TO_LIVE);
                    lease = mine;
                }
                var key = etcd.create(path, holder, mine.id());
                failure = null;
                return key.lease() == mine.id() ? new EtcdLock(etcd, key, mine) : null;
            } catch (CoordinationException e) {
                failure = e;
                return null;
            }
        }

        private void giveUp() {
            if (lease != null) {
                revoke(etcd, lease);
            }
        }

        private CoordinationException refused(String name) {
            var why = failure;
            return why == null
                    ? new CoordinationException("the lock '" + name + "' is held by another")
                    : new CoordinationException("the lock '" + name + "' cannot be had: " + why.getMessage(), why);
        }
    }

    private static void pause() {
        try {
            Thread.sleep(LOOK_EVERY);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CoordinationException("interrupted while waiting for a lock", e);
        }
    }

    private static void revoke(EtcdClient etcd, EtcdLease lease) {
        try {
            etcd.revoke(lease.id());
        } catch (CoordinationException e) {
            LOG.log(DEBUG, "a lease could not be given up, it ends by itself", e);
        }
    }

    private void keep() {
        try {
            while (!isLost && !closing.await(RENEW_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                look();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() {
        try {
            if (!lease.renew() || !etcd.get(key.key()).filter(key::equals).isPresent()) {
                isLost = true;
                LOG.log(WARNING, "etcd has lost a lock: key={0} fence={1}", key.key(), Long.toString(key.created()));
            }
        } catch (CoordinationException e) {
            LOG.log(DEBUG, "a lock could not be renewed now", e);
        }
    }

    /** Whether there is nothing left to give back. */
    boolean isOver() {
        return closing.getCount() == 0;
    }

    @Override
    public long fence() {
        return key.created();
    }

    @Override
    public boolean isTrusted() {
        return !isLost && !isOver() && lease.isTrusted();
    }

    @Override
    public synchronized void close() {
        if (isOver()) {
            return;
        }
        closing.countDown();
        try {
            etcd.delete(key);
        } catch (CoordinationException e) {
            LOG.log(DEBUG, "a lock could not be given up, it goes with its lease", e);
        }
        revoke(etcd, lease);
    }
}
