package dev.orrery.executor;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What executors must know of the node they run on.
 *
 * @param apiUrl where the calls of the node's own API begin, such as {@code http://127.0.0.1:8080/api/v1}; asked at each
 *     attempt, since the port is known only once the node listens
 * @param startDirectory the folder in which the node was started; where relative paths begin unless configured
 * @param dataDirectory the node's data folder
 * @param frozenAfter how long the node may stand still until its attempts are killed; zero: for ever
 * @param tokens makes the token by which an attempt may call the API
 */
public record ExecutorEnvironment(
        Supplier<String> apiUrl,
        Path startDirectory,
        Path dataDirectory,
        Function<TaskContext, String> tokens,
        Duration frozenAfter) {

    public ExecutorEnvironment {
        requireNonNull(apiUrl, "apiUrl");
        requireNonNull(startDirectory, "startDirectory");
        requireNonNull(dataDirectory, "dataDirectory");
        requireNonNull(tokens, "tokens");
        requireNonNull(frozenAfter, "frozenAfter");
    }
}
