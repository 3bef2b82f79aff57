package dev.orrery.config;

import dev.orrery.domain.net.CallRules;
import dev.orrery.domain.net.Destination;
import java.time.Duration;
import java.util.List;

/**
 * How tasks are run.
 *
 * @param directory what {@code workingDirectory} and {@code script} are relative to; empty: where the node was started
 * @param runDirectory where runs keep the files that their tasks hand on; empty: {@code runs} in the data folder
 * @param killGrace how long a task that is told to end may take before it is killed
 * @param logLimit the most bytes that are kept of an attempt's log
 * @param httpAllow where http tasks may call besides the public internet
 * @param httpDeny where http tasks may never call
 */
public record TasksConfig(
        String directory,
        String runDirectory,
        Duration killGrace,
        int logLimit,
        List<String> httpAllow,
        List<String> httpDeny) {

    public static final TasksConfig DEFAULT =
            new TasksConfig("", "", Duration.ofSeconds(10), 1 << 20, List.of(), List.of());

    public TasksConfig {
        Settings.TASKS_DIRECTORY.check(directory);
        Settings.TASKS_RUN_DIRECTORY.check(runDirectory);
        Settings.TASKS_KILL_GRACE.check(killGrace);
        Settings.TASKS_LOG_LIMIT.check(logLimit);
        httpAllow = List.copyOf(httpAllow);
        httpDeny = List.copyOf(httpDeny);
        Settings.TASKS_HTTP_ALLOW.check(httpAllow);
        Settings.TASKS_HTTP_DENY.check(httpDeny);
    }

    /** Where http tasks may call. */
    public CallRules httpRules() {
        return new CallRules(destinations(httpAllow), destinations(httpDeny));
    }

    private static List<Destination> destinations(List<String> texts) {
        return texts.stream()
                .map(text -> Destination.parse(text)
                        .orElseThrow(
                                () -> new IllegalStateException("'" + text + "' was taken, and is no destination")))
                .toList();
    }
}
