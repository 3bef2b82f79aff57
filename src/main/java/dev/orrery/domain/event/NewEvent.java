package dev.orrery.domain.event;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.EventId;
import dev.orrery.domain.JobId;
import dev.orrery.domain.Json;
import dev.orrery.domain.TraceContext;
import java.util.Optional;
import java.util.Set;

/**
 * Something that happened, as its publisher tells it.
 *
 * @param payload any JSON value
 * @param key the publisher's name for it, unique among the events of its name: published again, it is the same event
 * @param source where it comes from
 * @param traceparent the W3C trace context that it belongs to; one that is not valid counts as none
 * @param replayOf the event that it repeats
 * @param handlers the only handlers that are to have it; absent: all
 */
public record NewEvent(
        String name,
        Json payload,
        Optional<String> key,
        Optional<String> source,
        Optional<String> traceparent,
        Optional<EventId> replayOf,
        Optional<Set<JobId>> handlers) {

    public static final int MAX_PAYLOAD_BYTES = 256 << 10;
    public static final int MAX_NAME = 255;

    public NewEvent {
        require(!name.isEmpty() && name.length() <= MAX_NAME, "a name has 1..255 characters, was '" + name + "'");
        requireNonNull(payload, "payload");
        requireNonNull(key, "key");
        requireNonNull(source, "source");
        traceparent = traceparent.flatMap(TraceContext::parse).map(TraceContext::traceparent);
        requireNonNull(replayOf, "replayOf");
        handlers = handlers.map(Set::copyOf);
    }

    /** For all handlers, and no repetition of another one. */
    public static NewEvent of(String name, Json payload, Optional<String> key, Optional<String> source) {
        return new NewEvent(name, payload, key, source, Optional.empty(), Optional.empty(), Optional.empty());
    }
}
