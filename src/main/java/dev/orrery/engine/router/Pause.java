package dev.orrery.engine.router;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Holds the router back after a failure: each time for longer while nothing succeeds, and at random, as others wait too. */
final class Pause {

    private static final Duration MIN = Duration.ofMillis(100);
    private static final Duration MAX = Duration.ofSeconds(2);

    private final RandomGenerator random;
    private final Loop loop;
    private int failuresInRow;
    private boolean on;

    Pause(RandomGenerator random, Loop loop) {
        this.random = random;
        this.loop = loop;
    }

    boolean isOn() {
        return on;
    }

    void begin() {
        if (on) {
            return;
        }
        on = true;
        var longest = MIN.multipliedBy(1L << Math.min(failuresInRow++, 10));
        var millis = Math.min(longest.toMillis(), MAX.toMillis()) * random.nextDouble(0.5, 1.0);
        loop.later(Duration.ofMillis(Math.round(millis)), () -> {
            on = false;
            loop.turn();
        });
    }

    void succeeded() {
        failuresInRow = 0;
    }
}
