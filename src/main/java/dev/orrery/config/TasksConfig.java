package dev.orrery.config;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.time.Duration;

/**
 * How tasks are run.
 *
 * @param directory what {@code workingDirectory} and {@code script} are relative to; empty: where the node was started
 * @param runDirectory where runs keep the files that their tasks hand on; empty: {@code runs} in the data folder
 * @param killGrace how long a task that is told to end may take before it is killed
 * @param logLimit the most bytes that are kept of an attempt's log
 */
public record TasksConfig(String directory, String runDirectory, Duration killGrace, int logLimit) {

    public static final TasksConfig DEFAULT = new TasksConfig("", "", Duration.ofSeconds(10), 1 << 20);

    public TasksConfig {
        requireNonNull(directory, "directory");
        requireNonNull(runDirectory, "runDirectory");
        require(
                !killGrace.isNegative() && killGrace.compareTo(Duration.ofHours(1)) <= 0,
                "tasks.kill-grace must be 0..1 h, was " + killGrace);
        require(
                logLimit >= 64 << 10 && logLimit <= 64 << 20,
                "tasks.log-limit must be 64 KiB..64 MiB, was " + logLimit + " bytes");
    }
}
