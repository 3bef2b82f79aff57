package dev.orrery.executor;

/** The last bytes of a stream, up to a capacity. It grows as it fills, so that a short tail costs little. */
final class TailRing {

    private static final int FIRST_SIZE = 16 << 10;

    private final int capacity;
    private byte[] ring;
    private long written;

    TailRing(int capacity) {
        this.capacity = capacity;
        this.ring = new byte[Math.min(FIRST_SIZE, capacity)];
    }

    void write(byte[] source, int from, int to) {
        var start = Math.max(from, to - capacity);
        written += start - from;
        ensureRoomFor(to - start);
        while (start < to) {
            var at = (int) (written % ring.length);
            var step = Math.min(to - start, ring.length - at);
            System.arraycopy(source, start, ring, at, step);
            written += step;
            start += step;
        }
    }

    /** How many bytes were written and are not kept. */
    long lost() {
        return Math.max(0, written - ring.length);
    }

    /** What is kept, oldest byte first. */
    byte[] bytes() {
        var kept = (int) Math.min(written, ring.length);
        var oldest = lost() == 0 ? 0 : (int) (written % ring.length);
        var bytes = new byte[kept];
        var untilEnd = Math.min(kept, ring.length - oldest);
        System.arraycopy(ring, oldest, bytes, 0, untilEnd);
        System.arraycopy(ring, 0, bytes, untilEnd, kept - untilEnd);
        return bytes;
    }

    private void ensureRoomFor(int count) {
        if (written + count <= ring.length || ring.length == capacity) {
            return;
        }
        // Growing happens before anything was overwritten, so the bytes lie in order from index 0.
        var size = (int) Math.min(capacity, Math.max(2L * ring.length, written + count));
        var grown = new byte[size];
        System.arraycopy(ring, 0, grown, 0, (int) Math.min(written, ring.length));
        ring = grown;
    }
}
