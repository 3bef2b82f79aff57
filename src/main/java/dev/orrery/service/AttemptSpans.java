package dev.orrery.service;

import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.Verdict;
import dev.orrery.telemetry.Span;
import dev.orrery.telemetry.Tracing;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The spans of an attempt at a task, all below that of its run: how long the task was ready, how long its claim waited for a free
 * slot, and the attempt itself, below which come the task's own. From any thread.
 */
public final class AttemptSpans {

    private final Tracing tracing;
    private final String node;
    private final Consumer<RunId> runTouched;

    /**
     * @param node who made the attempts
     * @param runTouched told of each run of which a task has ended
     */
    public AttemptSpans(Tracing tracing, String node, Consumer<RunId> runTouched) {
        this.tracing = tracing;
        this.node = node;
        this.runTouched = runTouched;
    }

    public boolean isOn() {
        return tracing.isOn();
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

    /** The attempt ended just now, having taken so long. */
    public void ended(TaskAssignment task, Verdict verdict, Duration duration) {
        if (!task.trace().isSampled()) {
            return;
        }
        var end = tracing.nowNanos();
        var attributes = attributes(task);
        attributes.put("orrery.outcome", outcome(verdict));
        verdict.againAfter().ifPresent(delay -> attributes.put("orrery.retry.after_ms", delay.toMillis()));
        var links = task.attempt() == 1 ? List.<TraceContext>of() : List.of(before(task));
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

    /** What became of the task is stored: perhaps its run is over. */
    public void committed(TaskInstanceId task, Verdict verdict) {
        if (!task.isSingle() && verdict.againAfter().isEmpty()) {
            runTouched.accept(task.runId());
        }
    }

    private static TraceContext before(TaskAssignment task) {
        return TraceContext.ofAttempt(task.instanceId(), task.attempt() - 1, Optional.of(task.trace()));
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
