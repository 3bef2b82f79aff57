package dev.orrery.coordination;

import java.time.Duration;

/**
 * A lease of one holder, who renews it himself. How long it may be relied on is counted from the moment at which the last
 * good renewal was sent, by the monotonic clock, and ends a margin before etcd can give the place to another.
 */
final class EtcdLease {

    private final EtcdClient etcd;
    private final long id;
    private final Duration timeToLive;
    private volatile long renewedAt;

    private EtcdLease(EtcdClient etcd, long id, Duration timeToLive, long grantedAt) {
        this.etcd = etcd;
        this.id = id;
        this.timeToLive = timeToLive;
        this.renewedAt = grantedAt;
    }

    static EtcdLease grant(EtcdClient etcd, Duration timeToLive) {
        var sentAt = System.nanoTime();
        return new EtcdLease(etcd, etcd.grant(timeToLive), timeToLive, sentAt);
    }

    long id() {
        return id;
    }

    /** False where the lease is gone, and with it all keys under it. Fails where etcd does not answer. */
    boolean renew() {
        var sentAt = System.nanoTime();
        if (!etcd.renew(id)) {
            return false;
        }
        renewedAt = sentAt;
        return true;
    }

    /** Whether nobody else can have the place yet. Never blocks. */
    boolean isTrusted() {
        return System.nanoTime() - renewedAt < timeToLive.minus(Trust.MARGIN).toNanos();
    }

    /** Whether etcd must have taken it away by now. */
    boolean isOver() {
        return System.nanoTime() - renewedAt > timeToLive.plus(timeToLive).toNanos();
    }
}
