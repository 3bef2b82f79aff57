package dev.orrery.service;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.RunState;
import dev.orrery.store.TraceRepository;
import dev.orrery.store.TraceRepository.EndedRun;
import dev.orrery.telemetry.Span;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The spans of whole runs, whoever made them: recorded once they are over, with the times of the database, by the node that
 * committed their last task. Which of a run's tasks was the last is not told at the commit, so it is asked afterwards, of many
 * runs at once and off the hot path; what cannot be asked is not recorded. May be told of ends from any thread.
 */
public final class RunSpans {

    private static final System.Logger LOG = System.getLogger(RunSpans.class.getName());
    private static final int AT_ONCE = 500;
    private static final int MAX_WAITING = 20_000;
    private static final long PAUSE_MILLIS = 500;

    private final Vertx vertx;
    private final TraceRepository runs;
    private final Tracing tracing;
    private final Set<RunId> touched = new LinkedHashSet<>();
    private final long timer;
    private Future<Void> asking = Future.succeededFuture();

    public RunSpans(Vertx vertx, TraceRepository runs, Tracing tracing) {
        this.vertx = vertx;
        this.runs = runs;
        this.tracing = tracing;
        this.timer = vertx.setPeriodic(PAUSE_MILLIS, _ -> look());
    }

    /** A task of this run has ended. */
    public void taskEnded(RunId run) {
        synchronized (touched) {
            if (touched.size() < MAX_WAITING) {
                touched.add(run);
            }
        }
    }

    /** One question at a time. */
    private synchronized Future<Void> look() {
        if (!asking.isComplete()) {
            return asking;
        }
        var asked = take();
        if (!asked.isEmpty()) {
            asking = runs.ended(asked)
                    .onFailure(error -> LOG.log(DEBUG, "cannot read which runs are over", error))
                    .otherwise(List.of())
                    .map(ended -> {
                        ended.forEach(this::record);
                        return null;
                    });
            if (asked.size() == AT_ONCE) {
                // More may wait than the next look would take.
                asking.onComplete(_ -> look());
            }
        }
        return asking;
    }

    private List<RunId> take() {
        synchronized (touched) {
            var some = touched.stream().limit(AT_ONCE).toList();
            some.forEach(touched::remove);
            return some;
        }
    }

    private void record(EndedRun run) {
        var given = tracing.sampling().given(run.id(), run.given());
        var place = TraceContext.ofRun(run.id(), given);
        if (!place.isSampled()) {
            return;
        }
        var attributes = new HashMap<String, Object>();
        attributes.put("orrery.run.id", run.id().toString());
        attributes.put("orrery.run.state", run.state().wireName());
        attributes.put("orrery.run.trigger", run.trigger());
        attributes.put("orrery.dag.name", run.dagName());
        attributes.put("orrery.dag.version", (long) run.dagVersion());
        var start = nanos(run.createdAt());
        tracing.record(new Span(
                place,
                run.given().map(TraceContext::spanId).orElse(0L),
                "run " + run.dagName(),
                Span.Kind.INTERNAL,
                start,
                Math.max(start, nanos(run.completedAt())),
                run.state() == RunState.SUCCEEDED
                        ? Optional.empty()
                        : Optional.of("the run " + run.state().wireName()),
                attributes,
                List.of()));
    }

    private static long nanos(Instant time) {
        return time.getEpochSecond() * 1_000_000_000 + time.getNano();
    }

    /** Asks once more, of what was told last. */
    public Future<Void> end() {
        vertx.cancelTimer(timer);
        var before = asking;
        return before.compose(_ -> look());
    }
}
