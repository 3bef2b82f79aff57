package dev.orrery.coordination;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * How long this node may rely on its right to work without asking again: until a margin before others may take it for
 * dead, counted from the moment at which its last good heartbeat was sent, by this process's monotonic clock. May be read
 * from any thread.
 */
public final class Trust {

    /** What a node leaves between the end of its trust and the moment at which others may act on its silence. */
    static final Duration MARGIN = Duration.ofMillis(1_500);

    private volatile long until;
    private volatile boolean forEver;
    private volatile BooleanSupplier hasRoom = () -> true;

    /** None yet. */
    public Trust() {
        until = System.nanoTime();
    }

    /** Of a node whose right nobody can take: a lock proves that it is alone. */
    public static Trust always() {
        var trust = new Trust();
        trust.forEver = true;
        return trust;
    }

    /** A heartbeat that was sent at this {@link System#nanoTime} was good. */
    void renew(long sentAt, Duration lease) {
        until = sentAt + lease.minus(MARGIN).toNanos();
    }

    /** Whether something new may be claimed or begun now. */
    public boolean holds() {
        return forEver || left().isPositive();
    }

    /** The node is to begin nothing while this is not so, whatever its right. */
    public void onlyWhile(BooleanSupplier room) {
        hasRoom = room;
    }

    /** Whether the node should claim or begin anything now: it has the right, and room for what that brings. */
    public boolean invites() {
        return hasRoom.getAsBoolean() && holds();
    }

    /** How much of it is left; negative when it is over. */
    Duration left() {
        return Duration.ofNanos(until - System.nanoTime());
    }

    boolean isForEver() {
        return forEver;
    }
}
