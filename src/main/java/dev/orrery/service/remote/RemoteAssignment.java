package dev.orrery.service.remote;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskAssignment;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * A task that a remote worker is given.
 *
 * @param input what the DAG file says, or a job's payload
 * @param params of the run; absent where they are the input
 * @param outputs of the tasks it depends on
 * @param limit how long the attempt may take from now on
 */
public record RemoteAssignment(
        TaskAssignment task,
        String handler,
        Json input,
        Optional<Json> params,
        Map<TaskId, Json> outputs,
        Duration limit) {

    public RemoteAssignment {
        outputs = Map.copyOf(outputs);
    }

    public RemoteClaim claim() {
        return new RemoteClaim(task.instanceId(), task.fence());
    }
}
