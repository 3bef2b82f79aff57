package dev.orrery.engine.worker;

import dev.orrery.domain.Json;
import dev.orrery.domain.TaskId;
import dev.orrery.domain.dag.TaskAssignment;
import io.vertx.core.Future;
import java.util.Map;

/** Where a worker reads what a task is given. */
@FunctionalInterface
public interface TaskInputs {

    /** Fails with {@code PAYLOAD_TOO_LARGE} where it is more than a task can be given, and would be at every other time. */
    Future<Inputs> read(TaskAssignment assignment);

    /** The params of the run and the outputs of the task's dependencies; {@code letGo} is called once, when the attempt is over. */
    record Inputs(Json params, Map<TaskId, Json> outputs, Runnable letGo) {

        public static final Inputs NONE = new Inputs(Json.EMPTY_OBJECT, Map.of(), () -> {});

        public Inputs {
            outputs = Map.copyOf(outputs);
        }
    }
}
