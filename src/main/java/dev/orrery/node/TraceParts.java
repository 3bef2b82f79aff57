package dev.orrery.node;

import static dev.orrery.node.OpenParts.STEP_LIMIT;
import static dev.orrery.node.OpenParts.await;
import static java.lang.System.Logger.Level.INFO;

import dev.orrery.config.ProgramVersion;
import dev.orrery.config.TracingConfig;
import dev.orrery.coordination.DatabaseClock;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TraceSampling;
import dev.orrery.engine.router.RouterMeters;
import dev.orrery.service.AttemptSpans;
import dev.orrery.service.RunSpans;
import dev.orrery.store.Pools;
import dev.orrery.store.TraceRepository;
import dev.orrery.telemetry.Metrics;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.Vertx;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a node traces, where it does. */
final class TraceParts {

    private static final System.Logger LOG = System.getLogger(TraceParts.class.getName());

    /** How long a stopping node may take to send what it has. */
    private static final Duration FLUSH_LIMIT = Duration.ofSeconds(5);

    private final DatabaseClock clock;
    private final Metrics metrics;
    private final OpenParts openParts;
    final Tracing tracing;
    final AttemptSpans attempts;
    private volatile @Nullable RunSpans runs;

    private TraceParts(Tracing tracing, NodeId node, DatabaseClock clock, Metrics metrics, OpenParts openParts) {
        this.tracing = tracing;
        this.attempts = new AttemptSpans(tracing, node.toString(), this::touched);
        this.clock = clock;
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

    /** From now on it is asked which runs are over. */
    void watchRuns(Vertx vertx, Pools pools) {
        if (tracing.isOn()) {
            var watching = new RunSpans(vertx, new TraceRepository(vertx, pools.api()), tracing);
            openParts.opened("spans of runs", STEP_LIMIT, () -> await(watching.end(), STEP_LIMIT));
            runs = watching;
        }
    }

    private void touched(RunId run) {
        var watching = runs;
        if (watching != null) {
            watching.taskEnded(run);
        }
    }

    /** Who hears of the router's work. */
    RouterMeters meters() {
        var meters = new EngineMeters(metrics, clock::millis);
        return tracing.isOn() ? new TracedMeters(meters, attempts) : meters;
    }
}
