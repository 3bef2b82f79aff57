package dev.orrery.service;

import static dev.orrery.domain.Checks.require;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Room in memory for what tasks are given. Who wants more than is free waits, in the order of coming; what is larger than
 * the whole room comes in where nothing else is. From any thread.
 */
final class InputRoom {

    private final long bytesMax;
    private final Deque<Guest> waiting = new ArrayDeque<>();
    private long held;

    private record Guest(long bytes, Promise<Runnable> door) {}

    InputRoom(long bytesMax) {
        require(bytesMax > 0, "bytesMax must be positive, was " + bytesMax);
        this.bytesMax = bytesMax;
    }

    /** Completes once so many bytes are taken, with what gives them back. */
    Future<Runnable> enter(long bytes) {
        var guest = new Guest(bytes, Promise.promise());
        synchronized (this) {
            waiting.add(guest);
        }
        letIn();
        return guest.door().future();
    }

    /** How many bytes are taken. */
    synchronized long held() {
        return held;
    }

    private void letIn() {
        for (var guest = next(); guest != null; guest = next()) {
            guest.door().complete(exit(guest.bytes()));
        }
    }

    private synchronized @Nullable Guest next() {
        var first = waiting.peek();
        if (first == null || (held > 0 && held + first.bytes() > bytesMax)) {
            return null;
        }
        held += first.bytes();
        return waiting.remove();
    }

    private Runnable exit(long bytes) {
        var left = new AtomicBoolean();
        return () -> {
            if (left.compareAndSet(false, true)) {
                synchronized (this) {
                    held -= bytes;
                }
                letIn();
            }
        };
    }
}
