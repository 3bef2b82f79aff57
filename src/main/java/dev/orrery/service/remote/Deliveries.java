package dev.orrery.service.remote;

import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.TotalTime;
import dev.orrery.domain.task.Verdict;
import dev.orrery.service.TaskGifts;
import dev.orrery.store.Claim;
import dev.orrery.store.WorkRepository;
import dev.orrery.store.WorkRepository.Held;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Makes of claims what a worker is handed: their attempts begin, and what they are given is read. What cannot be handed over is
 * given back, or has failed where it never could be.
 */
final class Deliveries {

    private static final System.Logger LOG = System.getLogger(Deliveries.class.getName());

    /** What goes beyond is for another answer. */
    private static final long ANSWER_BYTES = 4 << 20;

    private final WorkRepository work;
    private final Definitions definitions;
    private final TaskGifts gifts;
    private final Commits commits;
    private final RemoteSignals signals;

    Deliveries(WorkRepository work, Definitions definitions, TaskGifts gifts, Commits commits, RemoteSignals signals) {
        this.work = work;
        this.definitions = definitions;
        this.gifts = gifts;
        this.commits = commits;
        this.signals = signals;
    }

    /** Under way to one worker. */
    private static final class Parcel {
        private final List<Claim> claims = new ArrayList<>();
        private final List<RemoteAssignment> assignments = new ArrayList<>();
        private long bytes;

        private void add(Claim claim, RemoteAssignment assignment) {
            claims.add(claim);
            assignments.add(assignment);
            bytes += assignment.input().text().length()
                    + assignment.params().map(params -> params.text().length()).orElse(0);
            for (var output : assignment.outputs().values()) {
                bytes += output.text().length();
            }
        }
    }

    /** Hands claims of this worker over; those that it cannot have now are its no more. */
    Future<List<RemoteAssignment>> deliver(NodeId worker, List<Claim> claims) {
        var parcel = new Parcel();
        var rest = Future.<Void>succeededFuture();
        for (var claim : claims) {
            // One after the other: what they are given may be large.
            rest = rest.compose(
                    _ -> parcel.bytes >= ANSWER_BYTES ? handBack(worker, List.of(claim)) : pack(worker, claim, parcel));
        }
        return rest.compose(_ ->
                        parcel.claims.isEmpty() ? Future.<Void>succeededFuture() : commits.begin(worker, parcel.claims))
                .map(parcel.assignments);
    }

    /** What stands in the line of remote workers and is nothing that they do. */
    private static final class NotForWorkers extends OrreryException {
        private static final long serialVersionUID = 1L;

        private NotForWorkers(String why) {
            super(ErrorCode.VALIDATION_ERROR, why);
        }
    }

    private Future<Void> pack(NodeId worker, Claim claim, Parcel parcel) {
        return definitions
                .assignment(claim)
                .compose(task -> definitions.total(claim, task.taskDefinition()).compose(total -> given(task, total)))
                .<Void>map(assignment -> {
                    parcel.add(claim, assignment);
                    return null;
                })
                .recover(error -> cannotBeGiven(worker, claim, error));
    }

    /** What has no time left of its {@code totalTimeout}: it is not begun. */
    private static final class OutOfTime extends OrreryException {
        private static final long serialVersionUID = 1L;
        private final Duration total;

        private OutOfTime(Duration total) {
            super(ErrorCode.VALIDATION_ERROR, "no time is left");
            this.total = total;
        }
    }

    private Future<RemoteAssignment> given(TaskAssignment task, Optional<TotalTime> total) {
        if (total.filter(TotalTime::isOver).isPresent()) {
            return Future.failedFuture(new OutOfTime(total.get().total()));
        }
        var timeout = task.taskDefinition().timeout();
        var limit = total.map(time -> time.limit(timeout)).orElse(timeout);
        return gifts.of(task).map(given -> {
            given.letGo().run();
            return switch (task.taskDefinition().type()) {
                case TaskType.Agent(var handler, var input) ->
                    new RemoteAssignment(
                            task,
                            handler,
                            given.own().orElse(input),
                            Optional.of(given.params()),
                            given.outputs(),
                            limit);
                case TaskType.AgentCall(var handler) ->
                    new RemoteAssignment(
                            task,
                            handler,
                            given.own().orElseGet(given::params),
                            Optional.empty(),
                            given.outputs(),
                            limit);
                case TaskType.Unreadable(var why) -> throw new NotForWorkers(why);
                case TaskType other -> throw new NotForWorkers("no remote worker does " + other.wireName() + " tasks");
            };
        });
    }

    private Future<Void> cannotBeGiven(NodeId worker, Claim claim, Throwable error) {
        if (error instanceof OutOfTime over) {
            return commits.end(worker, claim, Verdict.of(new AttemptOutcome.TotalTimedOut(over.total, false)))
                    .mapEmpty();
        }
        if (error instanceof NotForWorkers
                || (error instanceof OrreryException known && known.code() == ErrorCode.PAYLOAD_TOO_LARGE)) {
            return commits.begin(worker, List.of(claim))
                    .compose(_ -> commits.end(worker, claim, new Verdict.Fail(String.valueOf(error.getMessage()))))
                    .mapEmpty();
        }
        LOG.log(WARNING, "cannot read what a remote worker is to do, it is handed back: task=" + claim.id(), error);
        return work.handBack(worker, List.of(held(claim))).mapEmpty();
    }

    /** Makes claims ready for whoever asks next. */
    Future<Void> handBack(NodeId worker, List<Claim> claims) {
        return work.handBack(worker, claims.stream().map(Deliveries::held).toList())
                .onSuccess(queues -> {
                    signals.historyGrew();
                    signals.workReady(queues);
                })
                .mapEmpty();
    }

    private static Held held(Claim claim) {
        return new Held(claim.id(), claim.fence());
    }
}
