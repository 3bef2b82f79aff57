package dev.orrery.engine.router;

import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.bus.BusMessage.AttemptStarted;
import dev.orrery.bus.BusMessage.Begin;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.Report;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.Verdict;
import dev.orrery.engine.router.ReportBuffer.Entry;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;

/**
 * Takes what workers report and passes the verdict on each result. A report may come twice and starts may come after
 * their results; what is not held, or is known to have ended, adds nothing.
 */
final class Intake {

    private final IntFunction<Future<PublishedDag>> versions;
    private final HeldClaims held;
    private final ReportBuffer reports;
    private final AwaitedStarts awaitedStarts;
    private final Appetite appetite;
    private final RouterMeters meters;
    private final RandomGenerator random;

    Intake(IntFunction<Future<PublishedDag>> versions, Memory memory, RouterMeters meters, RandomGenerator random) {
        this.versions = versions;
        this.held = memory.held();
        this.reports = memory.reports();
        this.awaitedStarts = memory.awaitedStarts();
        this.appetite = memory.appetite();
        this.meters = meters;
        this.random = random;
    }

    /** Takes a start on its own; succeeds once it is committed, or where there is nothing to commit. */
    Future<Done> take(Begin begin) {
        var claim = claim(begin.start().assignment());
        if (!held.isUnfinished(claim)) {
            return Future.succeededFuture(new Done());
        }
        var committed = awaitedStarts.await(claim);
        take(new Report(begin.worker(), List.of(begin.start()), List.of()));
        return committed;
    }

    void take(Report report) {
        var now = System.nanoTime();
        for (var start : report.started()) {
            if (held.isUnfinished(claim(start.assignment()))) {
                reports.start(started(start, report.worker()));
                began(start.assignment(), start.startedNanos(), now);
            }
        }
        var ended = 0;
        for (var end : report.ended()) {
            var claim = claim(end.assignment());
            if (held.isUnfinished(claim)) {
                var verdict = verdict(end);
                reports.end(ended(end, verdict, report.worker()));
                end.startedNanos().ifPresent(began -> {
                    began(end.assignment(), began, now);
                    meters.attemptEnded(end, verdict, Duration.ofNanos(now - began));
                });
                // Only now: had the verdict thrown, the worker would tell it again.
                held.finish(claim);
                ended++;
            }
        }
        appetite.ended(ended, now);
    }

    private void began(TaskAssignment attempt, long startedNanos, long now) {
        held.begin(claim(attempt), startedNanos)
                .ifPresent(waited -> meters.attemptBegan(attempt, waited, Duration.ofNanos(now - startedNanos)));
    }

    private static Held claim(TaskAssignment assignment) {
        return new Held(assignment.instanceId(), assignment.fence());
    }

    private static Entry started(AttemptStarted start, WorkerId worker) {
        return entry(start.assignment(), worker, Optional.empty(), OptionalLong.of(start.startedNanos()), 0);
    }

    private Verdict verdict(AttemptEnded end) {
        var assignment = end.assignment();
        return Verdict.of(
                end.outcome(),
                assignment.attempt(),
                assignment.failures(),
                assignment.taskDefinition().retry(),
                end.total(),
                random);
    }

    private Entry ended(AttemptEnded end, Verdict verdict, WorkerId worker) {
        var assignment = end.assignment();
        if (assignment.instanceId().isSingle()) {
            // How many wait for it only the database knows, which bounds what it changes at once.
            return entry(assignment, worker, Optional.of(verdict), end.startedNanos(), 0);
        }
        // The version was read when the task was assigned, so it is at hand; if not, the bound is only coarser.
        var dag = versions.apply(assignment.versionId());
        var followers = dag.succeeded() ? followers(verdict, assignment, dag.result()) : 0;
        return entry(assignment, worker, Optional.of(verdict), end.startedNanos(), followers);
    }

    /** How many other tasks the verdict may change. */
    private static int followers(Verdict verdict, TaskAssignment assignment, PublishedDag dag) {
        return switch (verdict) {
            case Verdict.Succeed _ -> dag.followers(assignment.instanceId().taskNumber());
            case Verdict.Retry _, Verdict.Snooze _ -> 0;
            case Verdict.Fail _, Verdict.TimeOut _, Verdict.Cancel _ -> dag.taskCount();
        };
    }

    private static Entry entry(
            TaskAssignment assignment,
            WorkerId worker,
            Optional<Verdict> verdict,
            OptionalLong startedNanos,
            int followers) {
        return new Entry(
                assignment.instanceId(),
                assignment.versionId(),
                assignment.attempt(),
                assignment.fence(),
                worker.workerNumber(),
                verdict,
                startedNanos,
                followers,
                false);
    }
}
