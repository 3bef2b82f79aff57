package dev.orrery.api;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TraceContext;
import dev.orrery.telemetry.Span;
import dev.orrery.telemetry.Tracing;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A request's part of a trace: of its caller's, or of that which it begins. A request that makes a run or a task and was given no
 * trace joins that of what it made, whose id is known only then: so nothing has to be kept of such a trace. From any thread.
 */
public final class RequestSpan {

    /** How far the clocks of a node and of its database may be apart. */
    private static final Duration CLOCKS_APART = Duration.ofSeconds(1);

    private static final int ERROR = 500;

    private final Tracing tracing;
    private final Optional<TraceContext> given;
    private final TraceContext own;
    private final long begunNanos;
    private volatile @Nullable TraceContext joined;

    RequestSpan(Tracing tracing, Optional<TraceContext> caller) {
        this.tracing = tracing;
        this.begunNanos = tracing.nowNanos();
        this.own = caller.map(place -> place.at(Tracing.newSpan())).orElseGet(tracing::begin);
        this.given = caller;
    }

    /** What is handed on to what the request makes, where its caller gave it a trace. */
    Optional<TraceContext> handedOn() {
        return given.map(_ -> own);
    }

    /** Where the request stands, whoever began the trace: for what keeps the trace it is given anyway. */
    TraceContext place() {
        var found = joined;
        return found == null ? own : found;
    }

    /** Whether its caller wants to find it again. */
    boolean hasCaller() {
        return given.isPresent();
    }

    /**
     * The request has made this, or had made it before, where it was repeated.
     *
     * @param id the run, or the submission of single tasks
     * @param trace what it was given
     * @param isTask whether single tasks were submitted: they have no other span above those of their attempts
     */
    void submitted(
            RunId id, Optional<TraceContext> trace, Instant createdAt, boolean isTask, Map<String, Object> more) {
        var stored = tracing.sampling().given(id, trace);
        var made = TraceContext.ofRun(id, stored);
        if (given.isEmpty() && trace.isEmpty()) {
            joined = new TraceContext(made.traceId(), own.spanId(), made.flags());
        }
        var begun = Instant.ofEpochSecond(0, begunNanos);
        if (!made.isSampled() || createdAt.isBefore(begun.minus(CLOCKS_APART))) {
            return;
        }
        var attributes = new HashMap<>(more);
        attributes.put(isTask ? "orrery.submission.id" : "orrery.run.id", id.toString());
        var here = place();
        var isBelow = here.traceId().equals(made.traceId());
        tracing.record(new Span(
                isTask ? made : made.at(Tracing.newSpan()),
                isBelow ? here.spanId() : trace.map(TraceContext::spanId).orElse(0L),
                "submit",
                Span.Kind.PRODUCER,
                begunNanos,
                Math.max(begunNanos, tracing.nowNanos()),
                Optional.empty(),
                attributes,
                isBelow ? List.of() : List.of(here)));
    }

    /** The request is over. */
    void end(String operation, String method, String path, int status) {
        var attributes = new HashMap<String, Object>();
        attributes.put("http.request.method", method);
        attributes.put("url.path", path);
        attributes.put("http.response.status_code", (long) status);
        attributes.put("orrery.operation", operation);
        tracing.record(new Span(
                place(),
                given.map(TraceContext::spanId).orElse(0L),
                operation,
                Span.Kind.SERVER,
                begunNanos,
                Math.max(begunNanos, tracing.nowNanos()),
                status >= ERROR ? Optional.of("answered " + status) : Optional.empty(),
                attributes,
                List.of()));
    }

    /** For the log. */
    String fields() {
        var here = place();
        return " trace_id=" + here.traceIdText() + " span_id=" + here.spanIdText();
    }
}
