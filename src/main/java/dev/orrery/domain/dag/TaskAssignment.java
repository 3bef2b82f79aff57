package dev.orrery.domain.dag;

import static dev.orrery.domain.Checks.require;
import static java.util.Objects.requireNonNull;

import dev.orrery.domain.DagId;
import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One claimed attempt, as a router gives it to a worker.
 *
 * @param dag what the task is part of; absent for a single task
 * @param versionId the row of the DAG version in the store
 * @param attempt the number of this attempt, from 1 on
 * @param failures how many earlier attempts were charged to the retry policy
 * @param fence the number of the claim; a result counts only under it
 * @param lockFence the number of the lock that it runs under: the task's own, else its DAG's
 * @param trace where the attempt stands in the trace of its run
 * @param readySince when it became ready, in milliseconds since 1970 by the database; told where the node traces, else now and then
 * @param input what the task is given, where the claim carried it and there is nothing else to read
 */
public record TaskAssignment(
        TaskInstanceId instanceId,
        Optional<DagReference> dag,
        Tenant tenant,
        int versionId,
        TaskDefinition taskDefinition,
        int attempt,
        int failures,
        long fence,
        OptionalLong lockFence,
        TraceContext trace,
        OptionalLong readySince,
        Optional<Json> input) {

    /** Which DAG a task is part of. */
    public record DagReference(DagId id, String name) {

        public DagReference {
            requireNonNull(id, "id");
            requireNonNull(name, "name");
        }
    }

    public TaskAssignment {
        requireNonNull(instanceId, "instanceId");
        requireNonNull(dag, "dag");
        requireNonNull(tenant, "tenant");
        requireNonNull(taskDefinition, "taskDefinition");
        requireNonNull(lockFence, "lockFence");
        requireNonNull(trace, "trace");
        requireNonNull(readySince, "readySince");
        requireNonNull(input, "input");
        require(attempt >= 1, "attempts start at 1, was " + attempt);
    }

    /** Whether there were attempts that are not charged: lost with their node, handed back, snoozed, or of before a retry by hand. */
    public boolean followsUncharged() {
        return attempt > failures + 1;
    }

    public RunId runId() {
        return instanceId.runId();
    }

    public TaskId taskId() {
        return taskDefinition.id();
    }

    public String taskName() {
        return taskDefinition.name();
    }
}
