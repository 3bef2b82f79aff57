package dev.orrery.coordination;

import java.time.Duration;

/** Whether what is to be done gets done: told by the part that does it, on its own thread; any other may look. */
public final class Progress {

    private volatile long sinceNanos;
    private volatile boolean isOpen;

    /** Something waits to be done, or nothing does. */
    public void waits(boolean anything) {
        if (anything && !isOpen) {
            sinceNanos = System.nanoTime();
        }
        isOpen = anything;
    }

    /** Something was brought forward just now. */
    public void moved() {
        sinceNanos = System.nanoTime();
    }

    /** How long something has waited while nothing was brought forward; nothing where nothing waits. */
    public Duration stuck() {
        // Read first: what moves between the two looks only makes it look younger.
        var open = isOpen;
        return open ? Duration.ofNanos(Math.max(0, System.nanoTime() - sinceNanos)) : Duration.ZERO;
    }
}
