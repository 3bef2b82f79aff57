package dev.orrery.executor;

import static java.util.Objects.requireNonNull;

import dev.orrery.domain.Json;
import dev.orrery.domain.RunId;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.TaskInstanceId;
import dev.orrery.domain.Tenant;
import dev.orrery.domain.TraceContext;
import dev.orrery.domain.dag.TaskAssignment.DagReference;
import dev.orrery.domain.dag.TaskDefinition;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Everything an executor may know of the attempt it makes.
 *
 * @param runId the run; of a single task, its submission
 * @param dag what the task is part of; absent for a single task
 * @param attempt 1 for the first
 * @param fence the number of the claim under which it runs; grows with each claim
 * @param lockFence the number of the lock that it runs under: the task's own, else its DAG's
 * @param trace where the attempt stands in the trace of its run
 * @param params the params of the run; of a single task, its input
 * @param inputs the outputs of the task's dependencies
 */
public record TaskContext(
        TaskInstanceId instanceId,
        RunId runId,
        Optional<DagReference> dag,
        Tenant tenant,
        TaskDefinition task,
        int attempt,
        long fence,
        OptionalLong lockFence,
        TraceContext trace,
        Json params,
        Map<TaskId, Json> inputs) {

    public TaskContext {
        requireNonNull(instanceId, "instanceId");
        requireNonNull(runId, "runId");
        requireNonNull(dag, "dag");
        requireNonNull(tenant, "tenant");
        requireNonNull(task, "task");
        requireNonNull(lockFence, "lockFence");
        requireNonNull(trace, "trace");
        requireNonNull(params, "params");
        inputs = Map.copyOf(inputs);
    }
}
