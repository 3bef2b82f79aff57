package dev.orrery.coordination;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.coordination.EtcdClient.Entry;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A lock in etcd: a key under a lease, whose revision of creation is the fencing number. Renewed until it is closed. */
final class EtcdLock implements Coordination.NamedLock {

    private static final System.Logger LOG = System.getLogger(EtcdLock.class.getName());
    private static final Duration TIME_TO_LIVE = Duration.ofSeconds(10);
    private static final Duration RENEW_EVERY = Duration.ofSeconds(2);
    private static final Duration LOOK_EVERY = Duration.ofMillis(200);

    private final EtcdClient etcd;
    private final Entry key;
    private final EtcdLease lease;
    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile boolean lost;

    private EtcdLock(EtcdClient etcd, Entry key, EtcdLease lease) {
        this.etcd = etcd;
        this.key = key;
        this.lease = lease;
    }

    static EtcdLock take(EtcdClient etcd, String name, Duration wait) {
        var deadline = System.nanoTime() + wait.toNanos();
        var holder = UUID.randomUUID().toString();
        var lease = EtcdLease.grant(etcd, TIME_TO_LIVE);
        while (true) {
            var key = tried(etcd, name, holder, lease);
            if (key != null && key.lease() == lease.id()) {
                var lock = new EtcdLock(etcd, key, lease);
                Thread.ofVirtual().name("etcd lock " + name).start(lock::keep);
                return lock;
            }
            if (System.nanoTime() - deadline > 0) {
                revoke(etcd, lease);
                throw new CoordinationException("the lock '" + name + "' is held by another");
            }
            pause();
            if (!lease.renew()) {
                lease = EtcdLease.grant(etcd, TIME_TO_LIVE);
            }
        }
    }

    /** An attempt that fails may have taken the lock: the next one, under the same lease, finds it so. */
    private static @Nullable Entry tried(EtcdClient etcd, String name, String holder, EtcdLease lease) {
        try {
            return etcd.create("locks/" + name, holder, lease.id());
        } catch (CoordinationException e) {
            LOG.log(DEBUG, "a lock could not be asked for", e);
            return null;
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
            while (!lost && !closing.await(RENEW_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    lost = !lease.renew();
                } catch (CoordinationException e) {
                    LOG.log(DEBUG, "a lock could not be renewed now", e);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public long fence() {
        return key.created();
    }

    @Override
    public boolean isTrusted() {
        return !lost && closing.getCount() > 0 && lease.isTrusted();
    }

    @Override
    public void close() {
        closing.countDown();
        try {
            etcd.delete(key);
        } catch (CoordinationException e) {
            LOG.log(DEBUG, "a lock could not be given up, it goes with its lease", e);
        }
        revoke(etcd, lease);
    }
}
