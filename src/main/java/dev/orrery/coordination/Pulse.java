package dev.orrery.coordination;

import java.time.Duration;

/** Whether a part that must move on does: it beats on its own thread, and any other may look. */
public final class Pulse {

    /** How often whoever has a pulse beats. */
    public static final Duration EVERY = Duration.ofMillis(250);

    private volatile long lastNanos;
    private volatile boolean begun;
    private volatile boolean ended;
    private final Progress exchanges = new Progress();
    private final Progress claims = new Progress();

    public void beat() {
        lastNanos = System.nanoTime();
        begun = true;
    }

    /** It has come to its end in good order: from now on its silence means nothing. */
    public void end() {
        ended = true;
    }

    /** How long ago it last beat; nothing for one that has ended, or that is still to begin: until then it holds nothing. */
    public Duration silence() {
        return !begun || ended ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - lastNanos);
    }

    /** Of what it has to tell the database. */
    public Progress exchanges() {
        return exchanges;
    }

    /** Of what it could take to do. */
    public Progress claims() {
        return claims;
    }
}
