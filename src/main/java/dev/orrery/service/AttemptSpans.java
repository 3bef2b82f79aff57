package dev.orrery.service;

import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.TraceRepository.EndedAttempt;
import dev.orrery.telemetry.Span;
import dev.orrery.telemetry.Tracing;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The spans of an attempt at a task, all below that of its run: how long the task was ready, how long its claim waited for a free
 * slot, and the attempt itself, below which come the task's own. From any thread.
 */
public final class AttemptSpans {

    private final Tracing tracing;
    private final String node;

    /** {@code node}: who made the attempts. */
    public AttemptSpans(Tracing tracing, String node) {
        this.tracing = tracing;
        this.node = node;
    }

    public boolean isOn() {
        return tracing.isOn();
    }

    /** Now, by the database's clock, in nanoseconds since 1970. */
    public long nowNanos() {
        return tracing.nowNanos();
    }

    /** The task was ready until it was claimed, so long ago. */
    public void waited(TaskAssignment task, Duration sinceClaim) {
        if (!task.trace().isSampled() || task.readySince().isEmpty()) {
            return;
        }
        var claimed = tracing.nowNanos() - sinceClaim.toNanos();
        // The database's clock is carried on here, and may be a little behind it.
        var ready = Math.min(claimed, task.readySince().getAsLong() * 1_000_000);
        record(task, "queue " + task.taskDefinition().queue(), ready, claimed);
    }

    /** The claim waited for a free slot of its worker, and began so long ago. */
    public void dispatched(TaskAssignment task, Duration waited, Duration ago) {
        if (task.trace().isSampled()) {
            var began = tracing.nowNanos() - ago.toNanos();
            record(task, "dispatch", began - waited.toNanos(), began);
        }
    }

    private void record(TaskAssignment task, String name, long start, long end) {
        tracing.record(new Span(
                task.trace().at(Tracing.newSpan()),
                TraceContext.spanOf(task.runId()),
                name,
                Span.Kind.INTERNAL,
                start,
                end,
                Optional.empty(),
                attributes(task),
                List.of()));
    }

    /** The attempt ended then, in nanoseconds since 1970, having taken so long, and its result counts. */
    public void ended(TaskAssignment task, Verdict verdict, long end, Duration duration) {
        if (!task.trace().isSampled()) {
            return;
        }
        var attributes = attributes(task);
        attributes.put("orrery.outcome", outcome(verdict));
        verdict.againAfter().ifPresent(delay -> attributes.put("orrery.retry.after_ms", delay.toMillis()));
        var links = before(task.instanceId(), task.attempt(), task.trace());
        tracing.record(new Span(
                task.trace(),
                TraceContext.spanOf(task.runId()),
                "task " + task.taskName(),
                Span.Kind.CONSUMER,
                end - Math.max(0, duration.toNanos()),
                end,
                error(verdict),
                attributes,
                links));
    }

    /** The attempt was lost with its node, or handed back by it, or ended beyond its time: the database tells all of it. */
    void takenBack(EndedAttempt over) {
        var given = tracing.sampling().given(over.id(), over.given());
        var place = TraceContext.ofAttempt(over.id(), over.attempt(), given);
        if (!place.isSampled()) {
            return;
        }
        var start = EndSpans.nanos(over.startedAt());
        tracing.record(new Span(
                place,
                TraceContext.spanOf(over.id().runId()),
                "task " + over.taskName(),
                Span.Kind.CONSUMER,
                start,
                Math.max(start, EndSpans.nanos(over.finishedAt())),
                error(over),
                attributes(over),
                before(over.id(), over.attempt(), place)));
    }

    /** What was handed back failed in no way: it runs again, and nothing is charged. */
    private static Optional<String> error(EndedAttempt over) {
        return switch (over.outcome()) {
            case "succeeded", "handed_back" -> Optional.empty();
            case "lost" ->
                Optional.of(over.error()
                        .orElseGet(() -> "lost: "
                                + over.node().map(node -> "node " + node).orElse("its node")
                                + " was given up while the attempt ran"));
            default -> Optional.of(over.error().orElse(over.outcome()));
        };
    }

    private static Map<String, Object> attributes(EndedAttempt over) {
        var attributes = new HashMap<String, Object>();
        over.node().ifPresent(node -> attributes.put("orrery.node", node.toString()));
        attributes.put("orrery.outcome", over.outcome());
        attributes.put("orrery.tenant", over.tenant());
        attributes.put("orrery.task.id", over.task());
        attributes.put("orrery.task.instance_id", over.id().toString());
        attributes.put("orrery.task.type", over.type());
        if (!over.type().equals("agent")) {
            // Those of remote workers stand in lines that are no queues of anybody's.
            attributes.put("orrery.queue", over.queue());
        }
        attributes.put("orrery.attempt", (long) over.attempt());
        attributes.put("orrery.fence", over.fence());
        over.dag().ifPresent(dag -> {
            attributes.put("orrery.run.id", over.id().runId().toString());
            attributes.put("orrery.dag.name", dag);
        });
        return attributes;
    }

    private static List<TraceContext> before(TaskInstanceId task, int attempt, TraceContext trace) {
        return attempt == 1 ? List.of() : List.of(TraceContext.ofAttempt(task, attempt - 1, Optional.of(trace)));
    }

    private static String outcome(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Succeed _ -> "succeeded";
            case Verdict.Retry retry -> retry.timedOut() ? "timed_out" : "failed";
            case Verdict.Snooze _ -> "snoozed";
            case Verdict.Fail _ -> "failed";
            case Verdict.TimeOut _ -> "timed_out";
            case Verdict.Cancel _ -> "cancelled";
        };
    }

    private static Optional<String> error(Verdict verdict) {
        return switch (verdict) {
            case Verdict.Succeed _, Verdict.Snooze _ -> Optional.empty();
            case Verdict.Retry retry -> Optional.of(retry.error());
            case Verdict.Fail(var error) -> Optional.of(error);
            case Verdict.TimeOut(var error) -> Optional.of(error);
            case Verdict.Cancel _ -> Optional.of("cancelled");
        };
    }

    private Map<String, Object> attributes(TaskAssignment task) {
        var attributes = new HashMap<String, Object>();
        attributes.put("orrery.node", node);
        attributes.put("orrery.tenant", task.tenant().name());
        attributes.put("orrery.task.id", task.taskId().value());
        attributes.put("orrery.task.instance_id", task.instanceId().toString());
        attributes.put("orrery.task.type", task.taskDefinition().type().wireName());
        attributes.put("orrery.queue", task.taskDefinition().queue());
        attributes.put("orrery.attempt", (long) task.attempt());
        attributes.put("orrery.fence", task.fence());
        task.dag().ifPresent(dag -> {
            attributes.put("orrery.run.id", task.runId().toString());
            attributes.put("orrery.dag.name", dag.name());
        });
        return attributes;
    }
}
