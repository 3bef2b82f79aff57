package dev.orrery.service.remote;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Bus;
import dev.orrery.domain.dag.TaskDefinition;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.TotalTime;
import dev.orrery.domain.task.Verdict;
import dev.orrery.store.Endings;
import dev.orrery.store.RemoteWorkerRepository;
import dev.orrery.store.RemoteWorkerRepository.Overdue;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Ends what remote workers have beyond its time, and what they were asked to end and did not: by the time of the database, and
 * whatever they say. A worker that reports later is told that its claim is stale.
 */
public final class RemoteTimeouts {

    /** How long a worker may take to end what it is asked to end. */
    public static final Duration CANCEL_GRACE = Duration.ofSeconds(30);

    private static final System.Logger LOG = System.getLogger(RemoteTimeouts.class.getName());
    private static final int AT_ONCE = 200;
    private static final long RESULT_BYTES = 1 << 20;

    private final RemoteWorkerRepository repository;
    private final Definitions definitions;
    private final RandomGenerator random;
    private final Commits commits;
    private final Endings endings;

    public RemoteTimeouts(
            RemoteWorkerRepository repository,
            WorkRepository work,
            Definitions definitions,
            Bus bus,
            RandomGenerator random,
            Endings endings) {
        this.repository = repository;
        this.definitions = definitions;
        this.random = random;
        this.endings = endings;
        this.commits = new Commits(work, new RemoteSignals(bus), RESULT_BYTES);
    }

    /** Ends some of what is overdue; true where there may be more. */
    public Future<Boolean> bite() {
        return repository
                .overdue(CANCEL_GRACE, AT_ONCE)
                .compose(found ->
                        Future.join(found.stream().map(this::end).toList()).map(found.size() >= AT_ONCE));
    }

    private Future<Void> end(Overdue overdue) {
        return definitions
                .definition(overdue.claim())
                .compose(task -> definitions
                        .total(overdue.claim(), task)
                        .compose(
                                total -> commits.end(overdue.worker(), overdue.claim(), verdict(overdue, task, total))))
                .onSuccess(accepted -> {
                    if (accepted) {
                        endings.takenBack(List.of(
                                new Held(overdue.claim().id(), overdue.claim().fence())));
                        LOG.log(
                                INFO,
                                "ended what a remote worker has beyond its time: task={0} worker={1} asked_to_end={2}",
                                overdue.claim().id(),
                                RemoteWorker.idOf(overdue.worker()),
                                overdue.isAskedToEnd());
                    }
                })
                .<Void>mapEmpty()
                .recover(error -> {
                    LOG.log(WARNING, "cannot end task=" + overdue.claim().id() + ", will be tried again", error);
                    return Future.succeededFuture();
                });
    }

    private Verdict verdict(Overdue overdue, TaskDefinition task, Optional<TotalTime> total) {
        if (overdue.isAskedToEnd()) {
            return new Verdict.Cancel();
        }
        var outcome = total.filter(TotalTime::isOver)
                .<AttemptOutcome>map(time -> new AttemptOutcome.TotalTimedOut(time.total(), true))
                .orElseGet(() -> new AttemptOutcome.TimedOut(overdue.timeout()));
        return Verdict.of(outcome, overdue.claim().attempt(), overdue.claim().failures(), task.retry(), total, random);
    }
}
