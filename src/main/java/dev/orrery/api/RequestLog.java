package dev.orrery.api;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;

import dev.orrery.telemetry.Metric;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Tracing;
import io.micrometer.core.instrument.Timer;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * Writes one line for each request when it is over: what people change at INFO; reads, and what programs do by the thousand, at
 * DEBUG, since a line for each would cost more than it tells. Of the latter, what is not done is told at INFO. Neither headers nor
 * bodies nor queries, so that no credentials get into the log. Measures by operation, not by path, so that the number of time series is bounded.
 */
final class RequestLog implements Handler<RoutingContext> {

    /** Set on a request's context as soon as it is known what is asked; from a closed list of names. */
    static final String OPERATION = "orrery.operation";

    /** Set on a request's context where the node traces and this request may be part of a trace. */
    static final String SPAN = "orrery.span";

    private static final System.Logger LOG = System.getLogger(RequestLog.class.getName());
    private static final String UNKNOWN = "none";
    private static final Set<HttpMethod> READS = Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.OPTIONS);

    /** Changes that every remote worker makes all the time, and which say nothing where they are refused. */
    private static final Set<String> ROUTINE =
            Set.of("pollRemoteWorker", "beatRemoteWorker", "progressOfClaim", "logOfClaim");

    /** Changes that programs make thousands of a second of. What came of them is stored and told by the API. */
    private static final Set<String> TRAFFIC = Set.of(
            "triggerRun", "submitTask", "submitTasks", "publishEvents", "receiveWebhook", "completeClaim", "failClaim");

    private static final int REFUSED = 400;

    private final Metrics metrics;
    private final Tracing tracing;
    private final Function<HttpServerRequest, Optional<String>> operations;
    private final Map<String, Timer> timers = new HashMap<>();

    /** {@code operations} tells what a request asked that was refused before it came to its operation. */
    RequestLog(Metrics metrics, Tracing tracing, Function<HttpServerRequest, Optional<String>> operations) {
        this.metrics = metrics;
        this.tracing = tracing;
        this.operations = operations;
    }

    @Override
    public void handle(RoutingContext context) {
        var begun = System.nanoTime();
        context.response()
                .putHeader("X-Content-Type-Options", "nosniff")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        if (tracing.isOn()) {
            context.put(SPAN, new RequestSpan(tracing, RequestCheck.trace(context.request())));
        }
        context.addEndHandler(_ -> end(context, System.nanoTime() - begun));
        context.next();
    }

    private void end(RoutingContext context, long nanos) {
        var request = context.request();
        var status = Integer.toString(context.response().getStatusCode());
        String known = context.get(OPERATION);
        var operation = known != null ? known : operations.apply(request).orElse(UNKNOWN);
        timers.computeIfAbsent(operation + ' ' + status, _ -> metrics.timer(Metric.HTTP_REQUESTS, operation, status))
                .record(nanos, TimeUnit.NANOSECONDS);
        RequestSpan span = context.get(SPAN);
        if (span != null && (span.hasCaller() || isToldOf(request.method(), operation))) {
            span.end(
                    operation,
                    request.method().name(),
                    request.path(),
                    context.response().getStatusCode());
        }
        var level = level(request.method(), operation, context.response().getStatusCode());
        if (LOG.isLoggable(level)) {
            LOG.log(
                    level,
                    "event=request operation=" + operation + " method="
                            + SchemaProblems.shown(request.method().name())
                            + " path=" + SchemaProblems.shown(request.path().replace(' ', '_'))
                            + " status=" + status + " micros=" + TimeUnit.NANOSECONDS.toMicros(nanos)
                            + " remote=" + request.remoteAddress().hostAddress()
                            + (span == null ? "" : span.fields()));
        }
    }

    /** Reads come from pages that look again and again, and would hide what people do. */
    private static boolean isToldOf(HttpMethod method, String operation) {
        return !READS.contains(method) && !ROUTINE.contains(operation);
    }

    private static Level level(HttpMethod method, String operation, int status) {
        var isNoNews = !isToldOf(method, operation) || (TRAFFIC.contains(operation) && status < REFUSED);
        return isNoNews ? DEBUG : INFO;
    }
}
