package dev.orrery.config;

import static java.util.Objects.requireNonNull;

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
 * @param secrets what tasks may name, and where the node finds it
 * @param isolation how far tasks are kept away from the node
 */
public record TasksConfig(
        String directory,
        String runDirectory,
        Duration killGrace,
        int logLimit,
        List<String> httpAllow,
        List<String> httpDeny,
        List<String> secrets,
        IsolationConfig isolation) {

    public static final TasksConfig DEFAULT = new TasksConfig(
            "", "", Duration.ofSeconds(10), 1 << 20, List.of(), List.of(), List.of(), IsolationConfig.DEFAULT);

    public TasksConfig {
        TaskSettings.DIRECTORY.check(directory);
        TaskSettings.RUN_DIRECTORY.check(runDirectory);
        TaskSettings.KILL_GRACE.check(killGrace);
        TaskSettings.LOG_LIMIT.check(logLimit);
        httpAllow = List.copyOf(httpAllow);
        httpDeny = List.copyOf(httpDeny);
        TaskSettings.HTTP_ALLOW.check(httpAllow);
        TaskSettings.HTTP_DENY.check(httpDeny);
        secrets = List.copyOf(secrets);
        TaskSettings.SECRETS.check(secrets);
        requireNonNull(isolation, "isolation");
    }

    /** Where http tasks may call. */
    public CallRules httpRules() {
        return new CallRules(destinations(httpAllow), destinations(httpDeny));
    }

    /** What tasks may name, and where the node finds it. */
    public List<SecretSource> secretSources() {
        return secrets.stream()
                .map(text -> SecretSource.parse(text)
                        .orElseThrow(() -> new IllegalStateException("'" + text + "' was taken, and names no secret")))
                .toList();
    }

    private static List<Destination> destinations(List<String> texts) {
        return texts.stream()
                .map(text -> Destination.parse(text)
                        .orElseThrow(
                                () -> new IllegalStateException("'" + text + "' was taken, and is no destination")))
                .toList();
    }
}
