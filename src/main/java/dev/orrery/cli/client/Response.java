package dev.orrery.cli.client;

import java.util.Optional;

/**
 * What a node answered, whichever way it was asked.
 *
 * @param retryAfter when to ask again, in the node's words
 */
record Response(int status, String body, Optional<String> retryAfter) {

    static final String RETRY_AFTER = "Retry-After";

    boolean isRefusal() {
        return status >= 400;
    }
}
