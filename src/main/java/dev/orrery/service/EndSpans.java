package dev.orrery.service;

import static java.lang.System.Logger.Level.DEBUG;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.RunState;
import dev.orrery.store.Endings;
import dev.orrery.store.TraceRepository;
import dev.orrery.store.TraceRepository.EndedRun;
import dev.orrery.store.WorkRepository.Held;
import dev.orrery.telemetry.Span;
import dev.orrery.telemetry.Tracing;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The spans of whole runs, and of attempts that ended without a word of their worker: recorded once they are over, with the
 * times of the database, by a node that had a part in it. What they were is not told at the commit, so it is asked afterwards, of
 * many at once and off the hot path. Several nodes may have ended the last tasks of a run together: whoever marks the run in the
 * database records it. A node that dies in between, or cannot ask for long, leaves it out. From any thread.
 */
public final class EndSpans implements Endings {

    private static final System.Logger LOG = System.getLogger(EndSpans.class.getName());
    private static final int AT_ONCE = 500;

    /** Of runs, and as many of attempts: what ends beyond them, while the database does not answer, is left out and counted. */
    static final int MAX_WAITING = 20_000;

    private static final long PAUSE_MILLIS = 500;

    private final Vertx vertx;
    private final TraceRepository repository;
    private final Tracing tracing;
    private final AttemptSpans attempts;
    private final Waiting<RunId> runs = new Waiting<>(this::recordRuns);
    private final Waiting<Held> claims = new Waiting<>(this::recordAttempts);
    private final long timer;

    public EndSpans(Vertx vertx, TraceRepository repository, Tracing tracing, AttemptSpans attempts) {
        this.vertx = vertx;
        this.repository = repository;
        this.tracing = tracing;
        this.attempts = attempts;
        this.timer = vertx.setPeriodic(PAUSE_MILLIS, _ -> {
            claims.look();
            runs.look();
        });
    }

    /** What is to be looked at: some at once, and one question at a time. */
    private final class Waiting<T> {

        private final Function<Collection<T>, Future<Void>> question;
        private final Set<T> waiting = new LinkedHashSet<>();
        private Future<Boolean> asking = Future.succeededFuture(true);

        private Waiting(Function<Collection<T>, Future<Void>> question) {
            this.question = question;
        }

        private void add(Collection<T> more) {
            var leftOut = 0;
            synchronized (waiting) {
                for (var each : more) {
                    if (waiting.size() < MAX_WAITING) {
                        waiting.add(each);
                    } else if (!waiting.contains(each)) {
                        leftOut++;
                    }
                }
            }
            if (leftOut > 0) {
                tracing.unread(leftOut);
            }
        }

        private List<T> take() {
            synchronized (waiting) {
                var some = waiting.stream().limit(AT_ONCE).toList();
                some.forEach(waiting::remove);
                return some;
            }
        }

        /** False where it could not be asked: it waits on. */
        private synchronized Future<Boolean> look() {
            if (!asking.isComplete()) {
                return asking;
            }
            var asked = take();
            if (!asked.isEmpty()) {
                asking = question.apply(asked).map(true).otherwise(error -> {
                    LOG.log(DEBUG, "cannot read what is over, will be asked again", error);
                    add(asked);
                    return false;
                });
                if (asked.size() == AT_ONCE) {
                    // More may wait than the next look would take.
                    asking.onSuccess(answered -> {
                        if (answered) {
                            look();
                        }
                    });
                }
            }
            return asking;
        }

        /** Asks of all that was told last, as long as there are answers; what is left then is counted. */
        private Future<Void> end() {
            return look().compose(answered -> {
                if (answered && !isDone()) {
                    return end();
                }
                synchronized (waiting) {
                    tracing.unread(waiting.size());
                }
                return Future.succeededFuture();
            });
        }

        /** Nothing waits, and no answer is still to come of what was taken last. */
        private synchronized boolean isDone() {
            synchronized (waiting) {
                return waiting.isEmpty() && asking.isComplete();
            }
        }
    }

    @Override
    public void runMayBeOver(RunId run) {
        runs.add(List.of(run));
    }

    @Override
    public void takenBack(Collection<Held> taken) {
        claims.add(taken);
        runs.add(taken.stream()
                .filter(claim -> !claim.id().isSingle())
                .map(claim -> claim.id().runId())
                .distinct()
                .toList());
    }

    private Future<Void> recordAttempts(Collection<Held> asked) {
        return repository.attempts(asked).map(ended -> {
            ended.forEach(attempts::takenBack);
            return null;
        });
    }

    private Future<Void> recordRuns(Collection<RunId> asked) {
        return repository.ended(asked).compose(ended -> {
            var sampled = ended.stream().filter(run -> place(run).isSampled()).toList();
            return sampled.isEmpty()
                    ? Future.succeededFuture()
                    : repository
                            .mark(sampled.stream().map(EndedRun::id).toList())
                            .map(ours -> {
                                sampled.stream()
                                        .filter(run -> ours.contains(run.id()))
                                        .forEach(this::record);
                                return null;
                            });
        });
    }

    private TraceContext place(EndedRun run) {
        return TraceContext.ofRun(run.id(), tracing.sampling().given(run.id(), run.given()));
    }

    private void record(EndedRun run) {
        var attributes = new HashMap<String, Object>();
        attributes.put("orrery.run.id", run.id().toString());
        attributes.put("orrery.run.state", run.state().wireName());
        attributes.put("orrery.run.trigger", run.trigger());
        attributes.put("orrery.dag.name", run.dagName());
        attributes.put("orrery.dag.version", (long) run.dagVersion());
        var start = nanos(run.createdAt());
        tracing.record(new Span(
                place(run),
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

    /** In nanoseconds since 1970. */
    static long nanos(Instant time) {
        return time.getEpochSecond() * 1_000_000_000 + time.getNano();
    }

    /** Asks once more, of what was told last. */
    public Future<Void> end() {
        vertx.cancelTimer(timer);
        return claims.end().compose(_ -> runs.end());
    }
}
