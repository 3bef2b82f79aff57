package dev.orrery.engine.worker;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskAssignment;
import io.vertx.core.Future;
import java.util.Map;

/** Where a worker reads what a task is given. */
@FunctionalInterface
public interface TaskInputs {

    Future<Inputs> read(TaskAssignment assignment);

    /** The params of the run and the outputs of the task's dependencies. */
    record Inputs(Json params, Map<TaskId, Json> outputs) {

        public static final Inputs NONE = new Inputs(Json.EMPTY_OBJECT, Map.of());

        public Inputs {
            outputs = Map.copyOf(outputs);
        }
    }
}
