package dev.orrery.engine.router;

import dev.orrery.coordination.Trust;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * How many tasks the node would claim now: its free slots and what will start within the lead time, but never more than
 * the workers' queues have room for, and nothing while too much of what has ended waits for the database. It sleeps while
 * there is nothing to claim, until something may have become ready.
 */
final class Appetite {

    /** So many claims in vain, one soon after the other, are a storm: a queue that is paused or full, or others that are faster. */
    private static final int STORM = 4;

    private static final long SOON_NANOS = Duration.ofMillis(50).toNanos();

    private final RouterSettings settings;
    private final HeldClaims held;
    private final BooleanSupplier hasRoom;
    private final Trust trust;
    private final EndRate endRate = new EndRate(System.nanoTime());
    private List<String> queues = List.of();
    private int asked;
    private boolean awake;
    private boolean over;
    private int inVain;
    private long lastInVain;

    /**
     * @param hasRoom whether the results of further claims could wait for the database
     * @param trust whether the node may claim at all
     */
    Appetite(RouterSettings settings, HeldClaims held, BooleanSupplier hasRoom, Trust trust) {
        this.settings = settings;
        this.held = held;
        this.hasRoom = hasRoom;
        this.trust = trust;
    }

    /** The queues there are; answers whether the node serves others than before. */
    boolean offer(List<String> all) {
        var served = settings.queues().isEmpty() ? all : settings.queues();
        if (served.equals(queues)) {
            return false;
        }
        queues = List.copyOf(served);
        return true;
    }

    List<String> queues() {
        return queues;
    }

    /** Whether the node serves all of these queues. */
    boolean serves(Collection<String> names) {
        Set<String> unknown = new HashSet<>(names);
        queues.forEach(unknown::remove);
        return unknown.isEmpty();
    }

    /** Something may have become ready. */
    void wake() {
        awake = true;
    }

    /** Whether what it was woken for lately was not there, again and again, so that to look at once is not worth it. */
    boolean isWokenInVain(long now) {
        return inVain >= STORM && now - lastInVain < SOON_NANOS;
    }

    /** So many attempts have ended by now. */
    void ended(int count, long now) {
        endRate.ended(count, now);
    }

    /** For good: a node that drains claims nothing. */
    void lose() {
        over = true;
    }

    /** How many to claim, whether or not there is reason to think that anything is ready. */
    int size() {
        if (over || queues.isEmpty() || !hasRoom.getAsBoolean() || !trust.invites()) {
            return 0;
        }
        var soon = endRate.expectedWithin(settings.leadTime(), System.nanoTime());
        var wanted = Math.min(slots() + soon - held.unfinished(), held.room()) - asked - held.arriving();
        return (int) Math.max(0, Math.min(wanted, settings.batchSize()));
    }

    /** The same, nothing while it sleeps. */
    int sizeIfAwake() {
        return awake ? size() : 0;
    }

    /** Whether there is room for more than the node has, be it that it is being asked for just now. */
    boolean isThere() {
        return asked > 0 || size() > 0;
    }

    /** So many are being asked for; it sleeps, since the answer will show all there is. */
    void ask(int limit) {
        if (limit > 0) {
            awake = false;
            asked += limit;
        }
    }

    /** Whether it could run more than there was to claim, the last time it looked. */
    boolean isHungry() {
        return !awake && asked == 0 && size() > 0 && held.unfinished() + held.arriving() < slots();
    }

    private long slots() {
        return (long) held.workers().size() * settings.concurrency();
    }

    /** The answer has come. A full one means that there may be more. */
    void answered(int limit, int claimed, long now) {
        asked -= limit;
        if (claimed > 0) {
            inVain = 0;
        } else if (limit > 0) {
            inVain = now - lastInVain < SOON_NANOS ? inVain + 1 : 1;
            lastInVain = now;
        }
        awake |= limit > 0 && claimed == limit;
    }

    /** No answer has come, or one that says nothing of what is ready. */
    void unanswered(int limit) {
        asked -= limit;
        awake |= limit > 0;
    }
}
