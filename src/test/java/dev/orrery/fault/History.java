package dev.orrery.fault;

import dev.orrery.domain.dag.RunState;
import dev.orrery.domain.task.TaskState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All that is known of a load under faults.
 *
 * @param plans by the name of the DAG: what its tasks are and how they must end
 * @param answers what clients were told when they started runs
 * @param seen final states of runs that clients were shown
 * @param cancelAsked runs that a client asked to cancel
 * @param runs as the database has them in the end
 * @param changes the event history of the database; those of one run in the order of their commits
 * @param unknownStarts claims of lost nodes that are told of as attempts, though nobody knows whether they had begun
 * @param deadLetters which tasks the database has set aside
 * @param effects what the processes of the tasks have appended to their file, in its order
 * @param nodes one for each start of a node
 * @param terms who led, as it was seen again and again; in the order of looking
 * @param outlivings where an older attempt's process may live on while a newer one runs
 * @param healed when the last fault was over
 * @param limit within which all must have ended then
 * @param leftOvers processes, connections, folders and rows that should be gone
 */
public record History(
        Map<String, Plan> plans,
        List<Answer> answers,
        List<Seen> seen,
        Set<String> cancelAsked,
        List<StoredRun> runs,
        List<Change> changes,
        Set<Claim> unknownStarts,
        Set<TaskKey> deadLetters,
        List<Effect> effects,
        List<NodeStart> nodes,
        List<Term> terms,
        List<Outliving> outlivings,
        Instant healed,
        Duration limit,
        List<String> leftOvers) {

    /** The tasks of a DAG, by their ids. */
    public record Plan(Map<String, PlannedTask> tasks) {}

    /**
     * One task of a DAG.
     *
     * @param dependencies which tasks must succeed before it
     * @param attempts how many failed attempts end it; 0 for a task that cannot fail
     * @param hasEffects whether its process appends to the file
     * @param lock the named lock that it holds while it runs; empty: none
     */
    public record PlannedTask(Set<String> dependencies, int attempts, boolean hasEffects, String lock) {

        PlannedTask(Set<String> dependencies, int attempts, boolean hasEffects) {
            this(dependencies, attempts, hasEffects, "");
        }

        boolean failsByPlan() {
            return attempts > 0;
        }
    }

    /** A client's request under its key, and the run that it was answered. */
    public record Answer(String key, String dag, String run, Instant at) {}

    /** What a client was shown of a run that had ended. */
    public record Seen(String run, RunState state, Instant at) {}

    /** A run as it stands in the database. */
    public record StoredRun(
            String run,
            String dag,
            RunState state,
            @Nullable Instant completedAt) {}

    /** A task of a run. */
    public record TaskKey(String run, String task) {

        @Override
        public String toString() {
            return task + " of run " + run;
        }
    }

    /** A task as one node got it. */
    public record Claim(TaskKey task, long fence) {}

    /** A change of a task's state. Those with one {@code seq} were one transaction's. */
    public record Change(
            long seq,
            Instant at,
            @Nullable String node,
            TaskKey task,
            TaskState from,
            TaskState to,
            int attempt,
            long fence) {

        @Override
        public String toString() {
            return "history %s #%d: %s %s -> %s, attempt %d, fence %d, node %s"
                    .formatted(at, seq, task, from.wireName(), to.wireName(), attempt, fence, node);
        }
    }

    /** What a task's process tells: that it began, that it is still there, that it has done its work. */
    public enum Sign {
        START,
        ALIVE,
        END
    }

    /**
     * A line of the effects file.
     *
     * @param node the name of the node whose process it was
     * @param lockFence the number under which it held its named lock; 0 where it has none
     */
    public record Effect(TaskKey task, int attempt, long fence, String node, Sign sign, Instant at, long lockFence) {

        Effect(TaskKey task, int attempt, long fence, String node, Sign sign, Instant at) {
            this(task, attempt, fence, node, sign, at, 0);
        }

        @Override
        public String toString() {
            return "effect  %s: %s %s, attempt %d, fence %d, node %s, lock fence %d"
                    .formatted(at, task, sign, attempt, fence, node, lockFence);
        }
    }

    /** A start of a node: its id is new each time, its name is not. */
    public record NodeStart(String id, String name) {}

    /** Who led when somebody looked. */
    public record Term(Instant seenAt, long epoch, String leader) {

        @Override
        public String toString() {
            return "leader  %s: epoch %d, %s".formatted(seenAt, epoch, leader);
        }
    }

    /** From when to when the tasks' processes of a node may outlive its right to run them, and why. */
    public record Outliving(String node, Instant from, Instant to, String reason) {}
}
