package dev.orrery.engine.worker;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.WARNING;

import dev.orrery.bus.Addresses;
import dev.orrery.bus.Bus;
import dev.orrery.bus.BusMessage.Activity;
import dev.orrery.bus.BusMessage.Assign;
import dev.orrery.bus.BusMessage.AttemptEnded;
import dev.orrery.bus.BusMessage.AttemptStarted;
import dev.orrery.bus.BusMessage.Begin;
import dev.orrery.bus.BusMessage.ClaimedTask;
import dev.orrery.bus.BusMessage.Done;
import dev.orrery.bus.BusMessage.Drain;
import dev.orrery.bus.BusMessage.Drained;
import dev.orrery.bus.BusMessage.GiveBack;
import dev.orrery.bus.BusMessage.Report;
import dev.orrery.bus.BusMessage.StopAttempts;
import dev.orrery.bus.BusMessage.WorkerStatus;
import dev.orrery.domain.ErrorCode;
import dev.orrery.domain.OrreryException;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskType;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.FailureKind;
import dev.orrery.domain.task.TotalTime;
import dev.orrery.executor.AttemptLog;
import dev.orrery.executor.LogSink;
import dev.orrery.executor.TaskContext;
import dev.orrery.executor.TaskExecutor;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * Runs the attempts that its router gives it, a few at a time, and reports what begins and what ends. What happens within
 * one turn of the event loop goes in one report. All fields are touched by this verticle's event loop alone.
 */
public final class WorkerVerticle extends VerticleBase {

    private static final System.Logger LOG = System.getLogger(WorkerVerticle.class.getName());
    private static final Duration ROUTER_ANSWERS = Duration.ofSeconds(5);
    private static final Duration INPUTS_RETRY = Duration.ofMillis(500);
    private static final Duration TRUST_LOOK = Duration.ofMillis(200);

    private final WorkerId id;
    private final WorkerSettings settings;
    private final Function<TaskType, TaskExecutor> executors;
    private final TaskInputs inputs;
    private final TotalTimes totals;
    private final LogSink logs;
    private final BooleanSupplier mayBegin;
    private final Bus bus;

    private final Deque<TaskAssignment> queue = new ArrayDeque<>();
    private final Map<TaskInstanceId, RunningAttempt> running = new LinkedHashMap<>();
    private List<AttemptStarted> started = new ArrayList<>();
    private List<AttemptEnded> ended = new ArrayList<>();
    private boolean reportDue;
    private boolean draining;
    private boolean waitsForTrust;
    private final List<TaskAssignment> handedBack = new ArrayList<>();
    private final List<Promise<Void>> waitingForIdle = new ArrayList<>();

    /**
     * @param executors finds the executor of a task's type
     * @param mayBegin whether the node may begin work now: where it may not, what is claimed waits
     */
    public WorkerVerticle(
            WorkerId id,
            WorkerSettings settings,
            Function<TaskType, TaskExecutor> executors,
            TaskInputs inputs,
            TotalTimes totals,
            LogSink logs,
            BooleanSupplier mayBegin,
            Bus bus) {
        this.id = id;
        this.settings = settings;
        this.executors = executors;
        this.inputs = inputs;
        this.totals = totals;
        this.logs = logs;
        this.mayBegin = mayBegin;
        this.bus = bus;
    }

    @Override
    public Future<?> start() {
        bus.answer(Addresses.assign(id), this::take);
        bus.answer(Addresses.drain(id), this::drain);
        bus.answer(Addresses.giveBack(id), this::giveBack);
        bus.answer(Addresses.status(id), _ -> Future.succeededFuture(status()));
        bus.listen(Addresses.stop(id), this::stop);
        return Future.succeededFuture();
    }

    private Future<Done> take(Assign assign) {
        var assignments = assign.assignments();
        var room = settings.concurrency() + settings.queueCapacity() - queue.size() - running.size();
        if (draining || assignments.size() > room) {
            return Future.failedFuture(new OrreryException(
                    ErrorCode.OVERLOADED, draining ? "the worker is draining" : "the worker has room for " + room));
        }
        queue.addAll(assignments);
        fillSlots();
        return Future.succeededFuture(new Done());
    }

    private void fillSlots() {
        while (!draining && running.size() < settings.concurrency() && !queue.isEmpty()) {
            if (!mayBegin.getAsBoolean()) {
                waitForTrust();
                return;
            }
            var next = next();
            if (next.isEmpty()) {
                return;
            }
            begin(next.get());
        }
    }

    private void waitForTrust() {
        if (!waitsForTrust) {
            waitsForTrust = true;
            vertx.setTimer(TRUST_LOOK.toMillis(), _ -> {
                waitsForTrust = false;
                fillSlots();
            });
        }
    }

    /** The first that waits, but no attempt at an instance while an earlier one at it has not ended here. */
    private Optional<TaskAssignment> next() {
        var waiting = queue.iterator();
        while (waiting.hasNext()) {
            var assignment = waiting.next();
            if (!running.containsKey(assignment.instanceId())) {
                waiting.remove();
                return Optional.of(assignment);
            }
        }
        return Optional.empty();
    }

    private void begin(TaskAssignment assignment) {
        var log = new AttemptLog(context, logs, assignment.instanceId(), assignment.attempt(), settings.logLimit());
        var attempt = new RunningAttempt(assignment, System.nanoTime(), log);
        running.put(assignment.instanceId(), attempt);
        var timeout = assignment.taskDefinition().timeout();
        var timer = vertx.setTimer(Math.max(1, timeout.toMillis()), _ -> attempt.timeIsUp());
        assignment
                .taskDefinition()
                .retry()
                .totalTimeout()
                .map(total -> executeWithin(attempt, total))
                .orElseGet(() -> startedExecution(attempt))
                .onComplete(outcome -> {
                    vertx.cancelTimer(timer);
                    attempt.over();
                    log.close().onComplete(_ -> end(attempt, outcome.result()));
                });
    }

    /** What earlier attempts have left of the total is read first: nothing begins that has no time. */
    private Future<AttemptOutcome> executeWithin(RunningAttempt attempt, Duration total) {
        return used(attempt).compose(used -> {
            var time = new TotalTime(total, used);
            attempt.hasUsed(time);
            if (time.isOver() && !attempt.isStopped()) {
                return Future.succeededFuture(new AttemptOutcome.TotalTimedOut(total, false));
            }
            var execution = startedExecution(attempt);
            if (time.endsFirst(attempt.assignment().taskDefinition().timeout())) {
                var timer = vertx.setTimer(Math.max(1, time.left().toMillis()), _ -> attempt.totalIsUp(total));
                execution.onComplete(_ -> vertx.cancelTimer(timer));
            }
            return execution;
        });
    }

    /** Asked of the database until it answers, or the attempt is stopped: no node remembers it. */
    private Future<Duration> used(RunningAttempt attempt) {
        var assignment = attempt.assignment();
        if (assignment.attempt() == 1) {
            return Future.succeededFuture(Duration.ZERO);
        }
        return totals.used(assignment.instanceId(), assignment.attempt()).recover(error -> {
            LOG.log(
                    WARNING,
                    "cannot read the time that is used by the attempts of task=" + assignment.instanceId()
                            + place(assignment),
                    error);
            return vertx.timer(INPUTS_RETRY.toMillis(), TimeUnit.MILLISECONDS)
                    .compose(_ -> attempt.isStopped() ? Future.succeededFuture(Duration.ZERO) : used(attempt));
        });
    }

    private Future<AttemptOutcome> startedExecution(RunningAttempt attempt) {
        var start = new AttemptStarted(attempt.assignment(), attempt.startedNanos());
        if (attempt.assignment().followsUncharged()) {
            // The one before may have taken its node down at once. If this one does too, that must not go unseen.
            return committed(start, attempt).compose(_ -> execute(attempt));
        }
        started.add(start);
        reportSoon();
        return execute(attempt);
    }

    /** Told until the database has the start, or the attempt is stopped. */
    private Future<Done> committed(AttemptStarted start, RunningAttempt attempt) {
        return bus.request(Addresses.begin(id.nodeId()), new Begin(id, start), ROUTER_ANSWERS)
                .recover(error -> {
                    LOG.log(
                            WARNING,
                            "the start is not committed yet: task="
                                    + start.assignment().instanceId() + place(start.assignment()),
                            error);
                    return vertx.timer(INPUTS_RETRY.toMillis(), TimeUnit.MILLISECONDS)
                            .compose(_ -> attempt.isStopped()
                                    ? Future.succeededFuture(new Done())
                                    : committed(start, attempt));
                });
    }

    /** Never fails: what goes wrong is the outcome. */
    private Future<AttemptOutcome> execute(RunningAttempt attempt) {
        return inputs(attempt)
                .compose(given -> whenTrusted(attempt)
                        .compose(_ -> start(attempt, given))
                        // Also where it throws: others wait for the room.
                        .onComplete(_ -> given.letGo().run()))
                .otherwise(bug -> {
                    if (isTooLarge(bug)) {
                        return new AttemptOutcome.Failed(
                                String.valueOf(bug.getMessage()), false, new FailureKind.CouldNotStart());
                    }
                    var errorId = UUID.randomUUID();
                    LOG.log(
                            ERROR,
                            "an executor failed: task=" + attempt.assignment().instanceId() + " error_id=" + errorId
                                    + place(attempt.assignment()),
                            bug);
                    return new AttemptOutcome.Failed(
                            "INTERNAL_ERROR: a fault of Orrery's own; the log of node " + id.nodeId() + " knows it as "
                                    + errorId,
                            true,
                            new FailureKind.NamedError("Internal"));
                });
    }

    /** The inputs may have taken long: what is begun now must still be this node's to begin. */
    private Future<Void> whenTrusted(RunningAttempt attempt) {
        if (mayBegin.getAsBoolean() || attempt.isStopped()) {
            return Future.succeededFuture();
        }
        return vertx.timer(TRUST_LOOK.toMillis(), TimeUnit.MILLISECONDS).compose(_ -> whenTrusted(attempt));
    }

    private Future<AttemptOutcome> start(RunningAttempt attempt, TaskInputs.Inputs given) {
        if (attempt.isStopped()) {
            return Future.succeededFuture(new AttemptOutcome.Cancelled());
        }
        var assignment = attempt.assignment();
        var task = given.own().map(assignment.taskDefinition()::given).orElseGet(assignment::taskDefinition);
        var context = new TaskContext(
                assignment.instanceId(),
                assignment.runId(),
                assignment.dag(),
                assignment.tenant(),
                task,
                assignment.attempt(),
                assignment.fence(),
                assignment.lockFence(),
                assignment.trace(),
                given.own().orElseGet(given::params),
                given.outputs());
        var execution = executors.apply(task.type()).start(context, attempt.log());
        attempt.began(execution);
        return execution.outcome();
    }

    /**
     * Only programs are given files with params and inputs, and functions params; for all others there is nothing to read, but
     * that a handler may have been sent back with another input, and then this is not its first attempt.
     */
    private Future<TaskInputs.Inputs> inputs(RunningAttempt attempt) {
        return switch (attempt.assignment().taskDefinition().type()) {
            case TaskType.Http _, TaskType.RemoteWork _, TaskType.Unreadable _ ->
                Future.succeededFuture(TaskInputs.Inputs.NONE);
            case TaskType.Handler _ ->
                attempt.assignment().attempt() > 1
                        ? readInputs(attempt)
                        : Future.succeededFuture(TaskInputs.Inputs.NONE);
            case TaskType.Shell _, TaskType.Python _, TaskType.FunctionCall _ -> readInputs(attempt);
        };
    }

    /** Tried until it works or the attempt is stopped, by its timeout at the latest: a database that is away harms no task. */
    private Future<TaskInputs.Inputs> readInputs(RunningAttempt attempt) {
        return inputs.read(attempt.assignment()).recover(error -> {
            if (isTooLarge(error)) {
                return Future.failedFuture(error);
            }
            if (attempt.isStopped()) {
                return Future.succeededFuture(TaskInputs.Inputs.NONE);
            }
            LOG.log(
                    WARNING,
                    "cannot read the inputs of task=" + attempt.assignment().instanceId() + place(attempt.assignment()),
                    error);
            return vertx.timer(INPUTS_RETRY.toMillis(), TimeUnit.MILLISECONDS)
                    .compose(_ ->
                            attempt.isStopped() ? Future.succeededFuture(TaskInputs.Inputs.NONE) : readInputs(attempt));
        });
    }

    /** Where the attempt stands in its trace. */
    private static String place(TaskAssignment assignment) {
        return " trace_id=" + assignment.trace().traceIdText() + " span_id="
                + assignment.trace().spanIdText();
    }

    private static boolean isTooLarge(Throwable error) {
        return error instanceof OrreryException known && known.code() == ErrorCode.PAYLOAD_TOO_LARGE;
    }

    private void end(RunningAttempt attempt, AttemptOutcome outcome) {
        var assignment = attempt.assignment();
        running.remove(assignment.instanceId());
        if (attempt.isHandedBack()) {
            handedBack.add(assignment);
        } else {
            started.removeIf(start -> start.assignment().instanceId().equals(assignment.instanceId()));
            var told = attempt.outcome(outcome);
            ended.add(new AttemptEnded(assignment, begunAt(attempt, told), told, attempt.total()));
            reportSoon();
        }
        fillSlots();
        if (running.isEmpty()) {
            waitingForIdle.forEach(Promise::tryComplete);
            waitingForIdle.clear();
        }
    }

    private static OptionalLong begunAt(RunningAttempt attempt, AttemptOutcome outcome) {
        return outcome instanceof AttemptOutcome.TotalTimedOut over && !over.hasBegun()
                ? OptionalLong.empty()
                : OptionalLong.of(attempt.startedNanos());
    }

    private void reportSoon() {
        if (!reportDue) {
            reportDue = true;
            context.runOnContext(_ -> report());
        }
    }

    private void report() {
        reportDue = false;
        var report = new Report(id, started, ended);
        started = new ArrayList<>();
        ended = new ArrayList<>();
        tell(report);
    }

    /** The router shares the process: if it does not answer it is busy, and told again. */
    private void tell(Report report) {
        bus.request(Addresses.report(id.nodeId()), report, ROUTER_ANSWERS).onFailure(error -> {
            LOG.log(WARNING, "the router does not take reports: worker=" + id, error);
            vertx.setTimer(INPUTS_RETRY.toMillis(), _ -> tell(report));
        });
    }

    private void stop(StopAttempts request) {
        var asked = new HashSet<>(request.claims());
        queue.removeIf(assignment -> {
            if (!asked.contains(claim(assignment))) {
                return false;
            }
            ended.add(new AttemptEnded(assignment, OptionalLong.empty(), new AttemptOutcome.Cancelled()));
            reportSoon();
            return true;
        });
        // A copy: an execution that ends at once takes itself out of the map.
        List.copyOf(running.values()).stream()
                .filter(attempt -> asked.contains(claim(attempt.assignment())))
                .forEach(attempt -> attempt.asked(request.reason()));
    }

    private static ClaimedTask claim(TaskAssignment assignment) {
        return new ClaimedTask(assignment.instanceId(), assignment.fence());
    }

    /** May be asked again, if an answer was lost: the answer is all that was ever handed back. */
    private Future<Drained> drain(Drain drain) {
        draining = true;
        handedBack.addAll(queue);
        queue.clear();
        if (!drain.stopRunning()) {
            return Future.succeededFuture(new Drained(handedBack));
        }
        // A copy: an execution that ends at once takes itself out of the map.
        List.copyOf(running.values()).forEach(RunningAttempt::draining);
        return whenIdle().map(_ -> new Drained(handedBack));
    }

    /** What would begin last is given back first. */
    private Future<Drained> giveBack(GiveBack request) {
        var given = new ArrayList<TaskAssignment>();
        var last = queue.descendingIterator();
        while (last.hasNext() && given.size() < request.most()) {
            var assignment = last.next();
            if (request.queues().isEmpty()
                    || request.queues().contains(assignment.taskDefinition().queue())) {
                last.remove();
                given.add(assignment);
            }
        }
        return Future.succeededFuture(new Drained(given));
    }

    private Future<Void> whenIdle() {
        if (running.isEmpty()) {
            return Future.succeededFuture();
        }
        Promise<Void> idle = Promise.promise();
        waitingForIdle.add(idle);
        return idle.future();
    }

    private WorkerStatus status() {
        var activity = draining ? Activity.DRAINING : running.isEmpty() ? Activity.IDLE : Activity.RUNNING;
        return new WorkerStatus(id, activity, running.size(), queue.size());
    }
}
