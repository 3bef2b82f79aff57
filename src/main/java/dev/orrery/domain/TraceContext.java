package dev.orrery.domain;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import java.util.HexFormat;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * A place in a trace, as {@code traceparent} of W3C Trace Context tells it.
 *
 * <p>The trace of a run is the one it was given, else that with the run's id. Its span, and those of the attempts below it,
 * follow from their ids, so that nothing of them has to be kept and every node tells the same.
 *
 * @param traceId its 128 bits, not all zero
 * @param spanId not zero
 * @param flags the bits that are known: 1 sampled, 2 random
 */
public record TraceContext(UUID traceId, long spanId, int flags) {

    /** Runs are recorded that were given no trace. */
    static final int SAMPLED = 1;

    private static final int KNOWN_FLAGS = 3;
    private static final int FLAGS_AT = 53;
    private static final int LENGTH = 55;
    private static final UUID NONE = new UUID(0, 0);
    private static final HexFormat HEX = HexFormat.of();

    // What later versions add behind the flags, and their version, is not understood and not handed on.
    private static final Pattern TEXT =
            Pattern.compile("(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", Pattern.DOTALL);
    private static final Pattern TRACE_ID = Pattern.compile("[0-9a-f]{32}");

    public TraceContext {
        requireNonNull(traceId, "traceId");
        require(!traceId.equals(NONE), "a trace id is not zero");
        require(spanId != 0, "a span id is not zero");
        require((flags & ~KNOWN_FLAGS) == 0, "unknown flags: " + flags);
    }

    /** Reads a {@code traceparent}; none where it is not valid, so that a new trace begins. */
    public static Optional<TraceContext> parse(String traceparent) {
        var isFirstVersion = traceparent.startsWith("00");
        if (!TEXT.matcher(traceparent).matches() || (isFirstVersion && traceparent.length() != LENGTH)) {
            return Optional.empty();
        }
        var trace = uuid(traceparent, 3);
        var span = HexFormat.fromHexDigitsToLong(traceparent, 36, 52);
        var flags = HexFormat.fromHexDigits(traceparent, FLAGS_AT, LENGTH) & KNOWN_FLAGS;
        return trace.equals(NONE) || span == 0 ? Optional.empty() : Optional.of(new TraceContext(trace, span, flags));
    }

    /** Reads the 32 hexadecimal digits of a trace id; throws IllegalArgumentException for anything else. */
    public static UUID parseTraceId(String text) {
        if (!TRACE_ID.matcher(text).matches()) {
            throw new IllegalArgumentException("not a trace id: '" + text + "'");
        }
        return uuid(text, 0);
    }

    private static UUID uuid(String text, int from) {
        return new UUID(
                HexFormat.fromHexDigitsToLong(text, from, from + 16),
                HexFormat.fromHexDigitsToLong(text, from + 16, from + 32));
    }

    /** Where a run stands: below what it was given, else at the top of a trace of its own. */
    public static TraceContext ofRun(RunId run, Optional<TraceContext> given) {
        return new TraceContext(
                given.map(TraceContext::traceId).orElse(run.value()),
                span(run.value(), 0),
                given.map(TraceContext::flags).orElse(SAMPLED));
    }

    /** The id of a run's span, whatever trace it is in. */
    public static long spanOf(RunId run) {
        return span(run.value(), 0);
    }

    /** Where an attempt at a task stands: below its run. */
    public static TraceContext ofAttempt(TaskInstanceId task, int attempt, Optional<TraceContext> given) {
        var run = ofRun(task.runId(), given);
        return new TraceContext(run.traceId, span(task.value(), attempt), run.flags);
    }

    /** Other than all others as good as surely; must stay as it is, since it is never stored. */
    private static long span(UUID id, int attempt) {
        var mixed = mixed(id.getMostSignificantBits() + mixed(id.getLeastSignificantBits() + mixed(attempt)));
        return mixed == 0 ? 1 : mixed;
    }

    /** Spreads each bit over all. */
    static long mixed(long value) {
        var z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    /** Whether what belongs to it is recorded. */
    public boolean isSampled() {
        return (flags & SAMPLED) != 0;
    }

    /** Another place in the same trace. */
    public TraceContext at(long otherSpan) {
        return new TraceContext(traceId, otherSpan, flags);
    }

    /** The {@code traceparent} of what is called from here. */
    public String traceparent() {
        return "00-" + traceIdText() + "-" + spanIdText() + "-" + HEX.toHexDigits((byte) flags);
    }

    public String traceIdText() {
        return HEX.toHexDigits(traceId.getMostSignificantBits()) + HEX.toHexDigits(traceId.getLeastSignificantBits());
    }

    public String spanIdText() {
        return HEX.toHexDigits(spanId);
    }

    @Override
    public String toString() {
        return traceparent();
    }
}
