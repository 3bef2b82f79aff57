package dev.orrery.engine.worker;

import dev.orrery.domain.TaskInstanceId;
import io.vertx.core.Future;
import java.time.Duration;

/** Where a worker reads what the attempts of a task have used of its {@code totalTimeout}. */
@FunctionalInterface
public interface TotalTimes {

    /** How long ago the first attempt began that counts together with this one; zero where that is this one. */
    Future<Duration> used(TaskInstanceId task, int attempt);
}
