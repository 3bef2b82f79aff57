package dev.orrery.node;

import static dev.orrery.node.OpenParts.STEP_LIMIT;
import static dev.orrery.node.OpenParts.await;
import static java.lang.System.Logger.Level.INFO;

import dev.orrery.config.ProgramVersion;
import dev.orrery.config.TracingConfig;
import dev.orrery.coordination.DatabaseClock;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TraceSampling;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.service.AttemptSpans;
import dev.orrery.service.EndSpans;
import dev.orrery.store.Endings;
import dev.orrery.store.Pools;
import dev.orrery.store.TraceRepository;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.Vertx;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/** How a node traces, where it does. */
final class TraceParts {

    private static final System.Logger LOG = System.getLogger(TraceParts.class.getName());

    /** How long a stopping node may take to send what it has. */
    private static final Duration FLUSH_LIMIT = Duration.ofSeconds(5);

    private final Metrics metrics;
    private final OpenParts openParts;
    private final StartMeters starts;
    final Tracing tracing;
    final AttemptSpans attempts;

    private TraceParts(Tracing tracing, NodeId node, DatabaseClock clock, Metrics metrics, OpenParts openParts) {
        this.tracing = tracing;
        this.attempts = new AttemptSpans(tracing, node.toString());
        this.starts = new StartMeters(metrics, clock::millis);
        this.metrics = metrics;
        this.openParts = openParts;
    }

    static TraceParts open(
            TracingConfig config, NodeId node, DatabaseClock clock, Metrics metrics, OpenParts openParts) {
        if (!config.isOn()) {
            return new TraceParts(Tracing.OFF, node, clock, metrics, openParts);
        }
        var collector = new Tracing.Collector(
                URI.create(config.otlpEndpoint()),
                headers(config),
                config.timeout(),
                FLUSH_LIMIT,
                Map.of(
                        "service.name", config.serviceName(),
                        "service.version", ProgramVersion.text(),
                        "service.instance.id", node.toString()));
        var tracing = Tracing.to(collector, new TraceSampling(config.sampleRatio()), clock::nanos, metrics);
        openParts.opened("tracing", FLUSH_LIMIT.plus(FLUSH_LIMIT), tracing::close);
        LOG.log(INFO, "traces go to a collector endpoint={0} ratio={1}", config.otlpEndpoint(), config.sampleRatio());
        return new TraceParts(tracing, node, clock, metrics, openParts);
    }

    private static Map<String, String> headers(TracingConfig config) {
        var headers = new HashMap<String, String>();
        for (var header : config.headers()) {
            var end = header.indexOf('=');
            headers.put(header.substring(0, end), header.substring(end + 1));
        }
        return headers;
    }

    /** Who is to be told of what ends in the database; asked once. */
    Endings endings(Vertx vertx, Pools pools) {
        if (!tracing.isOn()) {
            return Endings.NONE;
        }
        var spans = new EndSpans(vertx, new TraceRepository(vertx, pools.api()), tracing, attempts);
        openParts.opened("spans of what ended", STEP_LIMIT, () -> await(spans.end(), STEP_LIMIT));
        return spans;
    }

    /** A remote worker was given a task to begin at once. */
    void given(TaskAssignment task) {
        starts.began(task, Duration.ZERO, Duration.ZERO);
        attempts.waited(task, Duration.ZERO);
    }

    /** Who hears of the router's work. */
    RouterMeters meters() {
        var meters = new EngineMeters(metrics, starts);
        return tracing.isOn() ? new TracedMeters(meters, attempts) : meters;
    }
}
