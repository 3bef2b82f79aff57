package dev.orrery.api;

import dev.orrery.domain.webhook.Webhook;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.regex.Pattern;

/**
 * The requests that strangers may send: those that a webhook receives, whose signature says that they are none. It stands
 * over the bytes of the body, so they are taken as they come, and checked before anything reads them.
 */
final class SignedRequests {

    /** Longer bodies are refused before they are read: an event can hold no more. */
    static final int MAX_BYTES = 256 * 1024;

    /** Nothing that a router would take for another path: no escapes, no dots alone, no second slash. */
    private static final Pattern PATH =
            Pattern.compile(Pattern.quote(Contract.BASE_PATH + "/webhooks/") + "(?:" + Webhook.NAME_FORM + ")");

    private SignedRequests() {}

    static boolean isOne(HttpServerRequest request) {
        var path = request.path();
        return request.method().equals(HttpMethod.POST)
                && path != null
                && PATH.matcher(path).matches();
    }
}
