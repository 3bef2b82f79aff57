package dev.orrery.store;

import static dev.orrery.domain.Checks.require;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.PublishedDag;
import dev.orrery.domain.dag.TaskAssignment;
import dev.orrery.domain.dag.TaskAssignment.DagReference;
import dev.orrery.domain.dag.TaskDefinition;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One attempt that a node has taken.
 *
 * @param versionId the row of the DAG version; {@link #NO_VERSION} for a single task
 * @param attempt its number, from 1 on
 * @param failures how many earlier attempts were charged to the retry policy
 * @param lockFence the number of the lock that comes with it: the task's own, else its DAG's
 * @param trace what its run was given
 * @param readySince when it became ready, in milliseconds since 1970 by the database; told where the node traces, else now and then
 * @param input what the task is given, where the claim tells it; else it is read when the task begins
 * @param single what a single task is; absent for a task of a run, whose version tells
 */
public record Claim(
        TaskInstanceId id,
        int versionId,
        int attempt,
        int failures,
        long fence,
        OptionalLong lockFence,
        Optional<TraceContext> trace,
        OptionalLong readySince,
        Optional<Json> input,
        Optional<Single> single) {

    /** Of what is not described by a DAG version. */
    public static final int NO_VERSION = 0;

    /** A single task, as its claim tells. */
    public record Single(Tenant tenant, TaskDefinition definition) {}

    /** Of a run that was given no trace. */
    public Claim(TaskInstanceId id, int versionId, int attempt, int failures, long fence, OptionalLong lockFence) {
        this(
                id,
                versionId,
                attempt,
                failures,
                fence,
                lockFence,
                Optional.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** The same, of this single task. */
    public Claim of(Single described) {
        return new Claim(
                id, versionId, attempt, failures, fence, lockFence, trace, readySince, input, Optional.of(described));
    }

    /** What a worker is to do, of a task of a run of this DAG. */
    public TaskAssignment assignment(PublishedDag dag) {
        return assignment(
                dag.tenant(),
                Optional.of(
                        new DagReference(dag.definition().id(), dag.definition().name())),
                dag.definition().task(id.taskNumber()));
    }

    /** What a worker is to do, of a single task. */
    public TaskAssignment assignment() {
        require(single.isPresent(), "a task of a run is told by its DAG: " + id);
        var task = single.get();
        return assignment(task.tenant(), Optional.empty(), task.definition());
    }

    private TaskAssignment assignment(Tenant tenant, Optional<DagReference> dag, TaskDefinition definition) {
        return new TaskAssignment(
                id,
                dag,
                tenant,
                versionId,
                definition,
                attempt,
                failures,
                fence,
                lockFence,
                TraceContext.ofAttempt(id, attempt, trace),
                readySince,
                input);
    }
}
