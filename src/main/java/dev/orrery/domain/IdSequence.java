package dev.orrery.domain;

import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes ids in the order of time: UUID version 7 (RFC 9562, 5.7) with 12 bits of counter behind the millisecond, a
 * 30-bit tag of the process, and 32 zero bits for the numbers of {@link NumberedIds}.
 *
 * <p>Two ids of one sequence never collide; those of two processes only if they drew the same tag and meet in the same
 * millisecond and count, which a primary key then refuses. May be called from any thread.
 */
public final class IdSequence {

    private static final int COUNTER_BITS = 12;
    private static final long TAG_MASK = (1L << 30) - 1;

    private final long lowBits;
    private final AtomicLong last = new AtomicLong();

    /** {@code tag}: random bits, drawn once for each process. */
    public IdSequence(long tag) {
        this.lowBits = 0x8000_0000_0000_0000L | (tag & TAG_MASK) << 32;
    }

    /** The next id for this time, in milliseconds since 1970; it stays behind no earlier one even if time steps back. */
    public UUID next(long epochMillis) {
        var stamp = last.updateAndGet(previous -> Math.max(previous + 1, epochMillis << COUNTER_BITS));
        var millis = stamp >>> COUNTER_BITS;
        var counter = stamp & (1L << COUNTER_BITS) - 1;
        return new UUID(millis << 16 | 0x7000L | counter, lowBits);
    }
}
