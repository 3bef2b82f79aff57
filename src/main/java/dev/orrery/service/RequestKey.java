package dev.orrery.service;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

/**
 * A caller's name for a request: the same key has the same effect, once.
 *
 * @param operation the call it belongs to; two calls may use the same key
 * @param key what the caller chose, 1 to 255 characters
 * @param requestHash a digest of what was asked: the same key with another one is a conflict
 */
public record RequestKey(String operation, String key, String requestHash) {

    public static final int MAX_LENGTH = 255;

    public RequestKey {
        requireNonNull(operation, "operation");
        require(!key.isEmpty() && key.length() <= MAX_LENGTH, "a key has 1..255 characters, was '" + key + "'");
        requireNonNull(requestHash, "requestHash");
    }
}
