package dev.orrery.executor;

import java.util.concurrent.atomic.AtomicLong;

/** Room that many share, such as that for what waits to be heard. */
final class SharedRoom {

    private final AtomicLong free;

    SharedRoom(long size) {
        free = new AtomicLong(size);
    }

    /** Whether there was so much room, which then is taken. */
    boolean take(int amount) {
        if (free.addAndGet(-amount) >= 0) {
            return true;
        }
        free.addAndGet(amount);
        return false;
    }

    /** For the little that must find room. */
    void takeAnyway(int amount) {
        free.addAndGet(-amount);
    }

    void give(int amount) {
        free.addAndGet(amount);
    }

    long free() {
        return free.get();
    }
}
