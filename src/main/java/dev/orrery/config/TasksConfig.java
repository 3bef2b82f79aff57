package dev.orrery.config;

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
        Settings.TASKS_DIRECTORY.check(directory);
        Settings.TASKS_RUN_DIRECTORY.check(runDirectory);
        Settings.TASKS_KILL_GRACE.check(killGrace);
        Settings.TASKS_LOG_LIMIT.check(logLimit);
    }
}
