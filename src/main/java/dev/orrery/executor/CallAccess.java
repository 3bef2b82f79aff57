package dev.orrery.executor;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.task.TaskTokens;
import java.util.function.Supplier;

/**
 * By what handlers call the API for their attempts.
 *
 * @param apiUrl where this node's API is, such as {@code http://127.0.0.1:8080/api/v1}
 */
public record CallAccess(Supplier<String> apiUrl, TaskTokens tokens) {

    public CallAccess {
        requireNonNull(apiUrl, "apiUrl");
        requireNonNull(tokens, "tokens");
    }
}
