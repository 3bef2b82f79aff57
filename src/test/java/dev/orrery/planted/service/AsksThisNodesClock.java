package dev.orrery.planted.service;

import java.time.Instant;

/** What a service decides about time it decides by the database's. */
public final class AsksThisNodesClock {
    Instant now() {
        return Instant.now();
    }
}
