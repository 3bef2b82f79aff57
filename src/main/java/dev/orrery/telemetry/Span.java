package dev.orrery.telemetry;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.TraceContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Something that was done, as a part of a trace.
 *
 * @param place where it stands: its trace and its own id
 * @param parent the id of the span that it is part of, in the same trace; 0 where it is the first
 * @param name what was done, from a small set of names or those of definitions
 * @param startNanos when it began, in nanoseconds since 1970
 * @param endNanos when it ended; not before it began
 * @param error what went wrong; empty where nothing did
 * @param attributes what more is known of it: a String, Long or Boolean each
 * @param links other spans that it has to do with
 */
public record Span(
        TraceContext place,
        long parent,
        String name,
        Kind kind,
        long startNanos,
        long endNanos,
        Optional<String> error,
        Map<String, Object> attributes,
        List<TraceContext> links) {

    /** On which side of a call it stands. */
    public enum Kind {
        /** Work of the node's own. */
        INTERNAL,
        /** It answers a caller. */
        SERVER,
        /** It leaves work for others to do later. */
        PRODUCER,
        /** It does work that was left. */
        CONSUMER
    }

    private static final int TEXT_MAX = 1_024;

    public Span {
        requireNonNull(place, "place");
        requireNonNull(kind, "kind");
        requireNonNull(name, "name");
        require(endNanos >= startNanos, "a span ends after its start, not " + (startNanos - endNanos) + " ns before");
        error = error.map(Span::bounded);
        attributes = Map.copyOf(attributes);
        links = List.copyOf(links);
    }

    /** Errors are as long as programs make them, and many spans may wait for the collector. */
    private static String bounded(String text) {
        return text.length() <= TEXT_MAX ? text : text.substring(0, TEXT_MAX) + "…";
    }
}
