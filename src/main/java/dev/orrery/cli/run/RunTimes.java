package dev.orrery.cli.run;

import dev.orrery.cli.client.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** How long something took that has {@code startedAt} and {@code completedAt}: a run, a task, an attempt. */
public final class RunTimes {

    private RunTimes() {}

    /** Up to now where it has not ended; absent where it never started. */
    public static Optional<Duration> took(JsonObject what, Instant now) {
        return what.time("startedAt")
                .map(started ->
                        Duration.between(started, what.time("completedAt").orElse(now)))
                .map(duration -> duration.isNegative() ? Duration.ZERO : duration);
    }
}
