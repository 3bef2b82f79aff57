package dev.orrery.planted.domain;

import java.time.Instant;

/** Time is an argument in the domain. */
public final class ReadsTheClock {
    Instant now() {
        return Instant.now();
    }

    long millis() {
        return System.currentTimeMillis();
    }
}
