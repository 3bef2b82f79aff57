package dev.orrery.bus;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.NodeId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.WorkerId;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.task.AttemptOutcome;
import dev.orrery.domain.task.TotalTime;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** Everything that may travel over the event bus. */
public sealed interface BusMessage {

    /** Done; there is nothing to say. */
    record Done() implements BusMessage {}

    /** Tasks became ready in these queues: routers look at once. */
    record WorkReady(Set<String> queues) implements BusMessage {

        public WorkReady {
            queues = Set.copyOf(queues);
        }
    }

    /** A retry will be due in this many milliseconds: routers set their alarm. */
    record RetryDue(long inMillis) implements BusMessage {}

    /** Rows were added to the history: its reader looks at once. */
    record HistoryGrew() implements BusMessage {}

    /** A job was registered or changed, or no longer waits: the leader looks what is due at once. */
    record JobsChanged() implements BusMessage {}

    /** A tenant was deleted: nobody goes by what is kept of it, and the leader takes it apart. */
    record TenantsChanged() implements BusMessage {}

    /** Many dead letters are to be sent back: whoever is free goes on with it. */
    record RedrivesAsked() implements BusMessage {}

    /** Claimed attempts are asked to end: each node reads which of its own. */
    record CancelsAsked() implements BusMessage {}

    /** A router gives claimed attempts to a worker of its node. */
    record Assign(List<TaskAssignment> assignments) implements BusMessage {

        public Assign {
            assignments = List.copyOf(assignments);
        }
    }

    /** A worker tells its router what began and what ended. */
    record Report(WorkerId worker, List<AttemptStarted> started, List<AttemptEnded> ended) implements BusMessage {

        public Report {
            started = List.copyOf(started);
            ended = List.copyOf(ended);
        }
    }

    /** Part of {@link Report} and {@link Begin}. {@code startedNanos} is {@link System#nanoTime} of this process. */
    record AttemptStarted(TaskAssignment assignment, long startedNanos) {}

    /** A worker is about to begin an attempt, and does so once it is answered: then the database knows. */
    record Begin(WorkerId worker, AttemptStarted start) implements BusMessage {}

    /**
     * Part of {@link Report}. {@code startedNanos} is absent for one that ended before it began, {@code total} where there is
     * no limit of all attempts together.
     */
    record AttemptEnded(
            TaskAssignment assignment, OptionalLong startedNanos, AttemptOutcome outcome, Optional<TotalTime> total) {

        public AttemptEnded(TaskAssignment assignment, OptionalLong startedNanos, AttemptOutcome outcome) {
            this(assignment, startedNanos, outcome, Optional.empty());
        }
    }

    /** A worker is to end attempts; none of those that have not begun begins because another one ends. */
    record StopAttempts(List<ClaimedTask> claims, StopReason reason) implements BusMessage {

        public StopAttempts {
            claims = List.copyOf(claims);
        }
    }

    /** Part of {@link StopAttempts}: a task under the fence of its claim. */
    record ClaimedTask(TaskInstanceId instanceId, long fence) {}

    /** Why an attempt is stopped from outside: someone asked for it, or its claim is no longer valid. */
    enum StopReason {
        CANCELLED,
        CLAIM_LOST
    }

    /** The node has lost its right to work: its router ends everything at once. */
    record NodeFenced() implements BusMessage {}

    /** A worker is to give back what it has not begun, and with {@code stopRunning} to end the rest too. */
    record Drain(boolean stopRunning) implements BusMessage {}

    /** What a draining worker had not begun, or had to end. */
    record Drained(List<TaskAssignment> unfinished) implements BusMessage {

        public Drained {
            unfinished = List.copyOf(unfinished);
        }
    }

    /** A router with nothing to do asks that of another node for claims of these queues that have not begun; empty: of any. */
    record ReleaseWork(int most, Set<String> queues) implements BusMessage {

        public ReleaseWork {
            queues = Set.copyOf(queues);
        }
    }

    /** So many claims were handed back, for anyone to claim. */
    record Released(int count) implements BusMessage {}

    /** A worker is to give back up to so many attempts of these queues that it has not begun, the last first; empty: of any. */
    record GiveBack(int most, Set<String> queues) implements BusMessage {

        public GiveBack {
            queues = Set.copyOf(queues);
        }
    }

    /** Nothing of what runs on the node may go on: it may be running elsewhere soon. */
    record MustStop() implements BusMessage {}

    /** A node is to take no more work and to end what it has in good order; answered when nothing is left. */
    record DrainNode() implements BusMessage {}

    /** How is the worker? */
    record AskStatus() implements BusMessage {}

    record WorkerStatus(WorkerId worker, Activity activity, int runningTasks, int queueDepth) implements BusMessage {}

    enum Activity {
        IDLE,
        RUNNING,
        DRAINING,
        STOPPED
    }

    /**
     * Work for a registered handler. {@code tenant} is the name of who the work is for, {@code traceparent} tells where the attempt stands in its trace; {@code caller} is the node
     * that waits for the reply, if it is another one.
     */
    record HandlerCall(
            TaskInstanceId instanceId,
            int attempt,
            long fence,
            String handler,
            Json input,
            String tenant,
            Optional<String> traceparent,
            Optional<NodeId> caller)
            implements BusMessage {

        public HandlerCall {
            requireNonNull(tenant, "tenant");
        }

        /** A call within this process. */
        public HandlerCall(
                TaskInstanceId instanceId,
                int attempt,
                long fence,
                String handler,
                Json input,
                String tenant,
                Optional<String> traceparent) {
            this(instanceId, attempt, fence, handler, input, tenant, traceparent, Optional.empty());
        }

        HandlerCall by(NodeId other) {
            return new HandlerCall(instanceId, attempt, fence, handler, input, tenant, traceparent, Optional.of(other));
        }
    }

    /**
     * What a handler made of it; {@code log} are lines for the attempt's log. Where {@code snooze} is there the task is to be run
     * again after this time, and the output is none.
     */
    record HandlerReply(Json output, List<String> log, Optional<Duration> snooze) implements BusMessage {

        public HandlerReply {
            log = List.copyOf(log);
        }

        /** One that is done. */
        public HandlerReply(Json output, List<String> log) {
            this(output, log, Optional.empty());
        }
    }

    /**
     * What a handler says while it works, to who called it; repeated until it is heard. {@code text} are whole lines for the
     * attempt's log, {@code offset} how many characters were said before, {@code progress} a new percentage.
     */
    record HandlerSaid(TaskInstanceId instanceId, long fence, long offset, String text, OptionalInt progress)
            implements BusMessage {}

    /** The answer to {@link HandlerSaid}: whether the handler is to go on. */
    record HandlerHeard(boolean goOn) implements BusMessage {}

    /** An attempt that a handler works on is to end. */
    record HandlerStop(TaskInstanceId instanceId, int attempt) implements BusMessage {}
}
